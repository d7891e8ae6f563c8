import type { Answer } from '../client/fetch.ts';

/** The members of a JSON answer; none where it is something else, or breaks off. */
export async function readObject(answer: Answer): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await answer.text());
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
