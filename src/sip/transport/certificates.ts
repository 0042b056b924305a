// The files of certificates and keys: read, and checked before anybody connects.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { namesOf } from './certificate-names.ts';

/** One certificate of ours. Paths of PEM files. */
export interface CertificateFiles {
  /** Our certificate, followed by the intermediate ones. */
  readonly cert: string;
  /** Its private key, without a pass phrase. */
  readonly key: string;
  /** The intermediate ones, where they have a file of their own. */
  readonly chain?: string;
  /** The server names (SNI) that it is shown for; without them those that it holds. */
  readonly names?: readonly string[];
}

/** What TLS and WSS are set up with. */
export interface TlsSettings {
  /** The first one is shown where no name fits; it is also ours where we are the client. */
  readonly certificates: readonly CertificateFiles[];
  /** PEM file of the authorities that peers' certificates are checked against; without it those that Node trusts. */
  readonly ca?: string;
  /** Only clients with a certificate of those authorities may connect. */
  readonly requireClientCertificate: boolean;
  /** Whether servers that we connect to must show a certificate for their domain (RFC 5922). */
  readonly verifyServers: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** Where in the settings something is wrong with a file, and what. */
export interface CertificateFault {
  /** Keys below the TLS settings: `['certificates', 0, 'key']`. */
  readonly path: readonly (string | number)[];
  readonly says: string;
}

export interface LoadedCertificate {
  readonly cert: string;
  readonly key: string;
  /** Lower case; `*.example.net` fits one label. */
  readonly names: readonly string[];
}

export interface LoadedCertificates {
  readonly certificates: readonly LoadedCertificate[];
  readonly ca: string | undefined;
  /** What cannot be used: TLS must not start with it. */
  readonly faults: readonly CertificateFault[];
  /** What can be used and soon or already will not be trusted. */
  readonly warnings: readonly CertificateFault[];
}

/** Days before its end from which on a certificate is warned of. */
const WARN_DAYS = 14;
const DAY = 86_400_000;

/** Reads all files of `settings` and says what is wrong with them. @param now milliseconds since 1970 */
export function loadCertificates(settings: TlsSettings, now: number): LoadedCertificates {
  const faults: CertificateFault[] = [];
  const warnings: CertificateFault[] = [];
  const certificates = settings.certificates.flatMap((files, index) => {
    const at = ['certificates', index];
    const cert = readPem(files.cert, [...at, 'cert'], faults);
    const key = readPem(files.key, [...at, 'key'], faults);
    const leaf = cert === undefined ? undefined : parseCertificate(files.cert, cert, [...at, 'cert'], faults);
    if (leaf) warnings.push(...ageWarnings(files.cert, leaf, now, [...at, 'cert']));
    if (key !== undefined) faults.push(...keyFaults(files, key, leaf, [...at, 'key']));
    const chain = files.chain === undefined ? '' : readPem(files.chain, [...at, 'chain'], faults);
    if (cert === undefined || key === undefined || chain === undefined || !leaf) return [];
    const names = (files.names ?? namesOf(leaf)).map((name) => name.toLowerCase());
    return [{ cert: chain === '' ? cert : `${cert}\n${chain}`, key, names }];
  });
  const ca = settings.ca === undefined ? undefined : readPem(settings.ca, ['ca'], faults);
  if (settings.ca !== undefined && ca !== undefined) parseCertificate(settings.ca, ca, ['ca'], faults);
  return { certificates, ca, faults, warnings };
}

function readPem(file: string, path: CertificateFault['path'], faults: CertificateFault[]): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read by this user' : String(error);
    faults.push({ path, says: `the file ${file} ${why}` });
    return undefined;
  }
}

function parseCertificate(
  file: string,
  pem: string,
  path: CertificateFault['path'],
  faults: CertificateFault[],
): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    faults.push({ path, says: `the file ${file} holds no certificate in PEM form` });
    return undefined;
  }
}

function keyFaults(
  files: CertificateFiles,
  pem: string,
  leaf: X509Certificate | undefined,
  path: CertificateFault['path'],
): CertificateFault[] {
  try {
    const key = createPrivateKey(pem);
    if (!leaf || leaf.checkPrivateKey(key)) return [];
    return [{ path, says: `the key in ${files.key} is not that of the certificate in ${files.cert}` }];
  } catch {
    return [{ path, says: `the file ${files.key} holds no private key in PEM form without a pass phrase` }];
  }
}

function ageWarnings(
  file: string,
  leaf: X509Certificate,
  now: number,
  path: CertificateFault['path'],
): CertificateFault[] {
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  if (now > to) return [{ path, says: `the certificate in ${file} expired on ${leaf.validTo}; peers will refuse it` }];
  if (now < from) return [{ path, says: `the certificate in ${file} is valid only from ${leaf.validFrom} on` }];
  if (to - now > WARN_DAYS * DAY) return [];
  return [{ path, says: `the certificate in ${file} expires on ${leaf.validTo}; renew it before` }];
}
