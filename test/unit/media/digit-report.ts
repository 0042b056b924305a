// What an engine tells of a key.

/** As rtpengine 10.5.3 writes it. */
export const real =
  '{"callid":"node:call.1","source_tag":"caller","tags":["target","caller"],"type":"DTMF","timestamp":1795786638,' +
  '"source_ip":"127.0.0.1","event":5,"duration":160,"volume":10}';
export const fields = JSON.parse(real) as Record<string, unknown>;
export const report = (more: Record<string, unknown> = {}) => Buffer.from(JSON.stringify({ ...fields, ...more }));
