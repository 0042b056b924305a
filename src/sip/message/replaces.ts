/** RFC 3891 6.1: the dialog that a new INVITE is to take the place of, as the side sees it that gets the INVITE. */
export interface Replaces {
  readonly callId: string;
  /** Of that side. */
  readonly toTag: string;
  /** Of its peer. */
  readonly fromTag: string;
  readonly earlyOnly: boolean;
}

/** Reads a Replaces; undefined when a tag is missing. */
export function readReplaces(value: string): Replaces | undefined {
  const [callId = '', ...parameters] = value.split(';').map((part) => part.trim());
  const given = new Map(
    parameters.map((parameter) => {
      const [name = '', text = ''] = parameter.split('=').map((part) => part.trim());
      return [name.toLowerCase(), text] as const;
    }),
  );
  const [toTag, fromTag] = [given.get('to-tag'), given.get('from-tag')];
  if (callId === '' || toTag === undefined || fromTag === undefined) return undefined;
  return { callId, toTag, fromTag, earlyOnly: given.has('early-only') };
}
