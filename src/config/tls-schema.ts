// The settings of TLS on the SIP side.
import { z } from 'zod';
import { oneOf, optional, required, section, setting, text, yesNo } from './kinds.ts';

const file = text('the path of a PEM file', /^[^\0]+$/);
const serverName = text(
  'a server name such as sip.example.net or *.example.net',
  /^(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?$/i,
);

const certificate = z.strictObject({
  cert: required(file, { description: 'Certificate, followed by the intermediate ones (PEM file).' }),
  key: required(file, { description: 'Its private key, without a pass phrase (PEM file).' }),
  names: optional(z.array(serverName).min(1), {
    description: 'Server names (SNI) that it is shown for; without them those that it holds.',
  }),
});

export const tls = section('TLS of the built-in SIP server; changed files are read again by themselves and at SIGHUP', {
  certificates: setting(z.array(certificate), [], {
    description: 'Our certificates; the first is shown where no name fits. Paths are relative to the settings file.',
    example: `certificates:
  - { cert: sip.example.net.pem, key: sip.example.net.key }`,
  }),
  ca: optional(file, {
    description:
      'Authorities that certificates of peers are checked against (PEM file); without it those of the runtime.',
  }),
  requireClientCertificate: setting(yesNo, false, {
    description: 'Whether only peers with a certificate of those authorities may connect.',
  }),
  verifyServers: setting(yesNo, true, {
    description: 'Whether a peer that we connect to must show a certificate for its domain (RFC 5922).',
  }),
  minVersion: setting(oneOf('TLSv1.2', 'TLSv1.3'), 'TLSv1.2', { description: 'The least version that is spoken.' }),
});
