/** One message of a torture RFC and what becomes of it here. */
export interface Torture {
  /** The RFC's own. */
  readonly name: string;
  readonly clause: string;
  readonly title: string;
  /** What the RFC asks for, and what is chosen where it leaves a choice. */
  readonly asks: string;
  /** What the parser does with it as a datagram. */
  readonly parsed: 'read' | 'dropped' | 400 | 501 | 505;
  /** What the product answers over the network; `call`: an INVITE that reaches the application. */
  readonly answered: number | 'call' | 'nothing';
  /** Where it is another on a stream; `closed`: the same answer, and the stream cannot be followed any more. */
  readonly onStream?: 'nothing' | 'closed';
  readonly octets: Buffer;
}

/** Octets written as text: lines end in CRLF, backslashes mean themselves, text is UTF-8; a Buffer stands for its octets. */
export function sip(text: TemplateStringsArray, ...values: readonly (string | Buffer)[]): Buffer {
  const pieces = text.raw.flatMap((piece, i) => {
    const value = values[i] ?? '';
    return [Buffer.from(piece.replaceAll('\n', '\r\n')), typeof value === 'string' ? Buffer.from(value) : value];
  });
  return Buffer.concat(pieces);
}
