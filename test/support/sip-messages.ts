/** The parts of an INVITE that tests vary. Header lines are whole lines; undefined leaves a standard one out. */
export interface InviteParts {
  requestLine?: string;
  via?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  callId?: string | undefined;
  cseq?: string | undefined;
  headers?: readonly string[];
  body?: string | Buffer;
  /** Instead of the true one; undefined leaves it out. */
  contentLength?: string | undefined;
}

/** An INVITE as octets, right in all that is not given. */
export function invite(parts: InviteParts = {}): Buffer {
  const body = Buffer.from(parts.body ?? 'v=0\r\n');
  const all = {
    via: 'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1',
    from: 'From: "Li" <sip:+8613800138000@ims.example.net>;tag=f1',
    to: 'To: <sip:+8675529990001@as.example.net>',
    callId: 'Call-ID: c1@192.0.2.1',
    cseq: 'CSeq: 1 INVITE',
    contentLength: String(body.length),
    ...parts,
  };
  const lines = [
    parts.requestLine ?? 'INVITE sip:+8675529990001@as.example.net SIP/2.0',
    all.via,
    all.from,
    all.to,
    all.callId,
    all.cseq,
    ...(parts.headers ?? []),
    all.contentLength === undefined ? undefined : `Content-Length: ${all.contentLength}`,
  ];
  const head = lines.filter((line) => line !== undefined).join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}
