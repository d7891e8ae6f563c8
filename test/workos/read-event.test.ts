import { expect, it } from 'vitest';
import { readEvent } from '../../src/workos/events/read-event.ts';

it.each(['sk_live_0123456789abcdef', 'wos_api_key_0123456789abcdef'])(
  'readEvent masks the secret of an unreadable event: %s',
  (secret) => {
    const raw = { id: 'event_01', event: 'api_key.created', data: { value: secret }, created_at: 'never' };
    const kept = JSON.stringify(readEvent(raw, new Date()));
    expect(kept).toContain('…');
    expect(kept).not.toContain('0123456789abcdef');
  },
);
