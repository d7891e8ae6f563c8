import { describe, expect, it } from 'vitest';
import { runEntry } from '../process/start.ts';

const latchkeyServer = (...args: string[]) => runEntry('cli/main', {}, args);

describe('latchkey-server', () => {
  it('lists every command with --help', async () => {
    const { code, stdout } = await latchkeyServer('--help');
    expect(code).toBe(0);
    for (const name of ['serve', 'dev', 'migrate', 'audit verify', 'webhooks incoming', 'scan'])
      expect(stdout).toMatch(new RegExp(`^  ${name} +[A-Z]`, 'm'));
  });

  it('exits with 2 for a command that it does not have, or none', async () => {
    for (const args of [[], ['migrat'], ['constructor'], ['audit', 'verif']]) {
      const { code, stdout, stderr } = await latchkeyServer(...args);
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining('Usage: latchkey-server COMMAND')]);
    }
  });

  it('takes names of two parts with a space or a colon, and names itself in their usage', async () => {
    for (const args of [['audit', 'verify'], ['audit:verify']]) {
      const { code, stdout } = await latchkeyServer(...args, '--help');
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^Usage: latchkey-server audit verify \[--organization ID\]/),
      ]);
    }
  });

  it('hands a command its own arguments', async () => {
    const { code, stdout, stderr } = await latchkeyServer('scan', 'package.json');
    expect([code, stdout, stderr]).toEqual([0, expect.any(String), expect.any(String)]);
    expect((await latchkeyServer('webhooks', 'incoming', 'lst')).stderr).toContain(
      'Usage: latchkey-server webhooks incoming list',
    );
  });
});
