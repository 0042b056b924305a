import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** The files of a certificate and its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of the test's own, made by the `openssl` program, in a folder that goes away with the test. */
export class Authority {
  readonly folder: string;
  /** Its own certificate: what peers are to trust. */
  readonly ca: string;
  readonly #key: string;
  #count = 0;

  /** @param by the authority that stands behind this one; without it, it stands for itself */
  constructor(context: Pick<TestContext, 'after'>, by?: Authority) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'ringaway-tls-'));
    context.after(() => rmSync(this.folder, { recursive: true, force: true }));
    this.ca = path.join(this.folder, 'ca.pem');
    this.#key = path.join(this.folder, 'ca.key');
    openssl([
      '-keyout',
      this.#key,
      '-out',
      this.ca,
      '-subj',
      '/CN=Authority of a test',
      '-days',
      '30',
      ...signedBy(by),
    ]);

    function signedBy(by: Authority | undefined): string[] {
      if (!by) return [];
      return ['-CA', by.ca, '-CAkey', by.#key, '-addext', 'basicConstraints=critical,CA:TRUE'];
    }
  }

  /** A certificate for names as openssl writes them: `DNS:a.example.net`, `URI:sip:example.net`, `IP:127.0.0.1`. */
  issue(names: readonly string[], days = 30): Certificate {
    const name = path.join(this.folder, String(++this.#count));
    const files = { cert: `${name}.pem`, key: `${name}.key` };
    const by = ['-CA', this.ca, '-CAkey', this.#key, '-addext', `subjectAltName=${names.join(',')}`];
    const kind = ['-addext', 'basicConstraints=critical,CA:FALSE', '-days', String(days)];
    openssl(['-keyout', files.key, '-out', files.cert, '-subj', '/CN=test', ...by, ...kind]);
    return files;
  }
}

function openssl(args: readonly string[]): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    execFileSync('openssl', ['req', '-x509', ...key, ...args], { stdio: 'pipe' });
  } catch (error) {
    throw new Error('these tests make certificates with the program openssl (3.0 or later): is it installed?', {
      cause: error,
    });
  }
}
