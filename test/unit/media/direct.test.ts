import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMedia } from '../../../src/media/media.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openSession } from '../../support/media-session.ts';

const parts = { clock: new FakeClock(), log: silentLog };
const sdp =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=Grüße 你好\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n';

test('direct: offer and answer pass octet for octet', async () => {
  const media = await createMedia({ mode: 'direct' }, parts);
  const session = await openSession(media, 'call');
  assert.equal(await session.offer('caller', sdp), sdp);
  assert.equal(await session.answer('target', sdp), sdp);
  assert.equal(session.engine, undefined);
  await session.close();
  await session.close();
  const { counts: _, ...health } = media.health();
  assert.deepEqual(health, { mode: 'direct', ok: true, engines: [] });
  await media.close();
});

test('direct: what is no description is refused with 488, on either way', async () => {
  const media = await createMedia({ mode: 'direct' }, parts);
  const session = await openSession(media, 'call');
  await assert.rejects(session.offer('caller', 'hello'), { name: 'Failure', code: 'media-refused', sip: 488 });
  await assert.rejects(session.answer('target', ''), { name: 'Failure', code: 'media-refused', sip: 488 });
});
