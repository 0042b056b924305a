import { Networks } from '../shared/networks.ts';

/**
 * Which `sip:` addresses may be called: those that stand in `entries` as they are, and those whose host is an address
 * in one of its networks.
 * @throws Failure `bad-setting` for an entry that is neither
 */
export function permittedPhones(entries: readonly string[]): (uri: string) => boolean {
  const isUri = (entry: string) => /^sips?:/i.test(entry);
  const uris = new Set(entries.filter(isUri));
  const networks = new Networks(
    entries.filter((entry) => !isUri(entry)),
    'calls.ipPhones',
  );
  return (uri) => {
    if (uris.has(uri)) return true;
    const host = /^sips?:[^@]*@(\[[^\]]*\]|[^:;?]*)/i.exec(uri)?.[1];
    return host !== undefined && networks.contains(host);
  };
}
