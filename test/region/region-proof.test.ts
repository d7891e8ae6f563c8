import { describe, expect, test } from 'vitest';
import { makeReadInRegion } from '../../src/region/read-in-region.ts';
import { makeRegionProof } from '../../src/region/region-proof.ts';

/** A home and a copy whose beats are moved by hand; both clocks are in milliseconds, that of home is elsewhere. */
function start() {
  let nowMs = 1_000;
  const home = { number: 1, at: 0, offsetMs: 500_000 };
  const counted: string[] = [];
  const proof = makeRegionProof({ nowMs: () => nowMs });
  const read = makeReadInRegion({ proof, count: (database) => void counted.push(database) });
  const clock = () => (nowMs + home.offsetMs) * 1_000;
  return {
    proof,
    home,
    counted,
    advance: (ms: number) => void (nowMs += ms),
    beat(): void {
      home.number++;
      home.at = clock();
    },
    look: () => proof.lookHome(async () => [{ number: home.number, at: home.at, clock: clock() }]),
    show: () => proof.show({ number: home.number, at: home.at }),
    /** Reads a value of the region, which is enough unless its organization has changed. */
    ask: async (region: () => Promise<string | undefined>) =>
      read({
        region,
        home: async () => 'home',
        isEnough: (_found, mark) => !proof.hasChanged(mark, ({ organizationId }) => organizationId === 'org_a'),
      }),
  };
}

/** One whose region shows a beat that came after a look at home. */
async function current() {
  const region = start();
  await region.look();
  region.advance(100);
  region.beat();
  region.advance(400);
  await region.look();
  region.show();
  return region;
}

describe('the proof of a region', () => {
  test('is the moment before the look at home that did not see the beat', async () => {
    const { proof, advance } = await current();
    expect(proof.mark()).toEqual({ asOfMs: 1_000, change: 0 });
    expect(proof.lagSeconds()).toBe(0.5);
    advance(2_499);
    expect(proof.isCurrent()).toBe(true);
    advance(1);
    expect([proof.isCurrent(), proof.mark()]).toEqual([false, undefined]);
  });

  test('is none by a beat that was there at the first look', async () => {
    const { proof, look, show } = start();
    await look();
    show();
    expect(proof.mark()).toBeUndefined();
  });

  test('is none by a beat that home does not have, as after a failover', async () => {
    const { proof, home, look, advance } = start();
    await look();
    advance(500);
    proof.show({ number: 3, at: home.at + 1 });
    await look();
    expect(proof.isCurrent()).toBe(false);
    home.number = 3;
    home.at = (1_500 + home.offsetMs) * 1_000;
    await look();
    expect(proof.isCurrent()).toBe(false);
  });

  test('is an earlier look by a beat that was written before the look that did not see it', async () => {
    const { proof, look, show, home, advance } = start();
    await look();
    advance(400);
    const at = (1_400 + home.offsetMs) * 1_000;
    advance(100);
    await look();
    Object.assign(home, { number: 2, at });
    advance(500);
    await look();
    show();
    expect(proof.mark()?.asOfMs).toBe(1_000);
  });

  test('does not move while the region shows the same beat', async () => {
    const { proof, beat, look, show, advance } = await current();
    show();
    advance(500);
    beat();
    await look();
    advance(500);
    await look();
    expect(proof.mark()?.asOfMs).toBe(1_000);
    show();
    expect(proof.mark()?.asOfMs).toBe(1_500);
  });

  test('ends at once when tables are missing or the region does not answer', async () => {
    const { proof, show } = await current();
    proof.show(undefined);
    expect(proof.mark()).toBeUndefined();
    show();
    expect(proof.mark()?.asOfMs).toBe(1_000);
  });

  test('forgets the looks at another server, but not what they have proved', async () => {
    const { proof, beat, look, show, advance } = await current();
    proof.begin();
    advance(500);
    beat();
    await look();
    show();
    expect(proof.mark()?.asOfMs).toBe(1_000);
  });
});

describe('a read', () => {
  test('is answered by the region, with the moment from before which it has everything', async () => {
    const { ask, counted } = await current();
    expect(await ask(async () => 'region')).toEqual({ value: 'region', asOfMs: 1_000 });
    expect(counted).toEqual(['region']);
  });

  test.each([
    ['the region lacks it', async () => undefined],
    ['the region fails', async () => Promise.reject(new Error('down'))],
    ['the region is silent', () => new Promise<undefined>(() => undefined)],
  ])('goes home where %s', async (_why, region) => {
    const { ask, counted } = await current();
    expect(await ask(region)).toEqual({ value: 'home', asOfMs: undefined });
    expect(counted).toEqual(['home']);
  });

  test('leaves a region alone for a second that has failed', async () => {
    const { ask, advance } = await current();
    await ask(() => Promise.reject(new Error('down')));
    expect((await ask(async () => 'region')).value).toBe('home');
    advance(1_000);
    expect((await ask(async () => 'region')).value).toBe('region');
  });

  test('goes home after a change that is not known to be in the region, until a beat that follows it is there', async () => {
    const { proof, ask, beat, look, show, advance } = await current();
    proof.invalidate({ organizationId: 'org_b' });
    expect((await ask(async () => 'region')).value).toBe('region');
    proof.invalidate({ organizationId: 'org_a', keyId: 'key_1' });
    expect((await ask(async () => 'old')).value).toBe('home');
    // The look that this beat proves began before the change.
    advance(100);
    beat();
    advance(400);
    await look();
    show();
    expect((await ask(async () => 'old')).value).toBe('home');
    advance(100);
    beat();
    advance(400);
    await look();
    show();
    expect((await ask(async () => 'region')).value).toBe('region');
  });

  test('goes home when a change comes while it runs', async () => {
    const { proof, ask } = await current();
    const found = ask(async () => {
      proof.invalidate({ organizationId: 'org_a' });
      return 'old';
    });
    expect((await found).value).toBe('home');
  });

  test('goes home after anything may have changed', async () => {
    const { proof, ask } = await current();
    proof.clear();
    expect((await ask(async () => 'old')).value).toBe('home');
  });

  test('goes home when it took longer than the proof lasts', async () => {
    const { ask, advance } = await current();
    const found = ask(async () => {
      advance(3_000);
      return 'old';
    });
    expect((await found).value).toBe('home');
  });
});
