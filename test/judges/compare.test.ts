import { expect, it } from 'vitest';
import { compare } from './compare.ts';
import { explain } from './explanations.ts';
import { openSpecification } from './specification.ts';

const specification = openSpecification();
const PATH = '/webhook_endpoints';
const answer = (status: number, shape: Record<string, string>) => ({ status, shape });
const reasons = (ours: ReturnType<typeof answer>, theirs: ReturnType<typeof answer>) =>
  compare(ours, theirs).map((difference) =>
    explain(specification, { name: 'x', method: 'POST', path: PATH, difference }, () => undefined),
  );

it('explain finds the line of the specification that decides', () => {
  expect(
    reasons(answer(201, { id: 'string', status: 'string' }), answer(201, { id: 'string', enabled: 'boolean' })),
  ).toEqual([
    expect.stringMatching(/^In the specification \(line \d+\)/),
    expect.stringMatching(/^Not in the specification \(line \d+\)/),
  ]);
  expect(reasons(answer(201, {}), answer(204, {}))).toEqual([expect.stringMatching(/lists 201 \(line \d+\), not 204/)]);
});

it('explain returns nothing for a difference in which the local WorkOS is wrong', () => {
  expect(reasons(answer(201, { nonsense: 'string' }), answer(201, {}))).toEqual([undefined]);
  expect(reasons(answer(201, {}), answer(201, { secret: 'string' }))).toEqual([undefined]);
  expect(reasons(answer(204, {}), answer(201, {}))).toEqual([undefined]);
  expect(reasons(answer(201, { id: 'number' }), answer(201, { id: 'string' }))).toEqual([undefined]);
});

it('compare ignores null, fields below it, and empty lists', () => {
  const here = answer(201, { a: 'null', data: 'array' });
  const there = answer(201, { a: 'object', 'a.b': 'string', data: 'array', 'data[]': 'object', 'data[].c': 'string' });
  expect(compare(here, there)).toEqual([]);
});
