import type { IncomingMessage } from 'node:http';
import { coded, HttpError } from './http-error.ts';

const MAX_BODY_BYTES = 1_048_576;

/** Reads JSON or form fields up to 1 MiB. JSON is the default, because the SDK sends empty bodies with that content type. */
export async function readBody(message: IncomingMessage): Promise<unknown> {
  const text = await readText(message);
  if (text === '') return undefined;
  if (message.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw coded(400, 'bad_request', 'The request body is not valid JSON.');
  }
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new HttpError(
        413,
        { message: `The request body is larger than ${MAX_BODY_BYTES} bytes.` },
        { connection: 'close' },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
