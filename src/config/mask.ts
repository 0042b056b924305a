/** What stands in place of a secret. */
export const masked = '****';

/**
 * The text with the passwords of URIs in it masked (`scheme://user:password@host`, `sip:user:password@host`,
 * and parameters of the query whose name says that they are secret).
 */
export function maskUriSecrets(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)([^@]*)@/i, (_, scheme: string, userinfo: string) => {
      const colon = userinfo.indexOf(':');
      // A userinfo without a colon may itself be the secret (drachtio://secret@host).
      return colon < 0 ? `${scheme}${masked}@` : `${scheme}${userinfo.slice(0, colon)}:${masked}@`;
    })
    .replace(/^(sips?:[^:@]*):[^@]*@/i, `$1:${masked}@`)
    .replace(/([?&;][a-z0-9_.-]*(?:password|secret|token)[a-z0-9_.-]*=)[^&;]*/gi, `$1${masked}`);
}
