import { describe, expect, test } from 'vitest';
import { makeRecentAnswers } from '../../../src/verification/fast-path/recent-answers.ts';
import { record } from '../resolver.ts';

describe('recent answers', () => {
  test('makes the answer of a record once, and no more are kept than there is room for until a minute is over', () => {
    let nowMs = 0;
    const made: string[] = [];
    const answerOf = makeRecentAnswers(({ keyId }) => (made.push(keyId), keyId), { max: 2, nowMs: () => nowMs });
    const [one, two, three] = ['one', 'two', 'three'].map((keyId) => record('org_a', keyId));
    const askAll = () => [one!, two!, three!, one!, two!, three!].map(answerOf);
    expect(askAll()).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
    expect(made.splice(0)).toEqual(['one', 'two', 'three', 'three']);
    nowMs = 60_000;
    expect([three!, one!, three!, two!, three!].map(answerOf)).toEqual(['three', 'one', 'three', 'two', 'three']);
    expect(made).toEqual(['three', 'one', 'two']);
  });
});
