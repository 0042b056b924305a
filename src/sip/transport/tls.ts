import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
  type Server,
  type TlsOptions,
} from 'node:tls';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { withoutZone, type Target } from './addresses.ts';
import { fitting, standsFor } from './certificate-names.ts';
import { loadCertificates, type CertificateFault, type LoadedCertificates, type TlsSettings } from './certificates.ts';

export type { CertificateFiles, TlsSettings } from './certificates.ts';

/** How often the files are looked at for a change; milliseconds. */
const LOOK_EVERY = 10_000;

/** Certificates that TLS cannot start with; the message has a line for each fault. */
export class TlsFault extends Error {
  readonly faults: readonly CertificateFault[];

  constructor(faults: readonly CertificateFault[]) {
    super(faults.map(({ path, says }) => `${path.join('.')}: ${says}`).join('\n'));
    this.name = 'TlsFault';
    this.faults = faults;
  }
}

interface NamedContext {
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/** The certificates in force, as a server (one for each name, RFC 6066 3) and as a client; they can change while it runs. */
export class TlsContexts {
  readonly #settings: TlsSettings;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #servers = new Set<Pick<Server, 'setSecureContext'>>();
  #loaded: LoadedCertificates;
  #contexts: readonly NamedContext[];
  #seen: string;
  #timer: Timer | undefined;

  /** @throws TlsFault */
  constructor(settings: TlsSettings, clock: Clock, log: Logger) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#seen = this.#fingerprint();
    this.#loaded = this.#load();
    this.#contexts = this.#contextsOf(this.#loaded);
  }

  /** Whether connections can be accepted: there is a certificate of ours. */
  get canServe(): boolean {
    return this.#loaded.certificates.length > 0;
  }

  /** What a server is made with; `follow` it, so that it changes with the files. */
  serverOptions(): TlsOptions {
    return {
      ...this.#own(this.#loaded),
      SNICallback: (name, done) => done(null, fitting(this.#contexts, name)?.context),
      requestCert: this.#settings.requireClientCertificate,
      rejectUnauthorized: this.#settings.requireClientCertificate,
    };
  }

  /** Gives `server` the new certificates at each change. */
  follow(server: Pick<Server, 'setSecureContext'>): void {
    this.#servers.add(server);
  }

  /** What a connection to `target` is made with: the certificate must stand for its domain (RFC 5922 7.3). */
  clientOptions(target: Target): ConnectionOptions {
    const expected = target.domain ?? withoutZone(target.address);
    return {
      ...this.#own(this.#loaded),
      // RFC 6066 3: a name, never an address
      ...(isIP(expected) === 0 ? { servername: expected } : {}),
      rejectUnauthorized: this.#settings.verifyServers,
      checkServerIdentity: (_host, { subjectaltname }) =>
        standsFor(subjectaltname, expected)
          ? undefined
          : new Error(`the certificate of ${target.address}:${target.port} does not stand for ${expected}`),
    };
  }

  /**
   * Reads the files again. Connections that stand go on as they are; new ones get the new certificates. Files that are wrong
   * change nothing, and the log says what is wrong with them.
   * @returns whether the new certificates are in force
   */
  reload(): boolean {
    try {
      this.#seen = this.#fingerprint();
      const loaded = this.#load();
      const contexts = this.#contextsOf(loaded);
      for (const server of this.#servers) server.setSecureContext(this.#own(loaded));
      this.#loaded = loaded;
      this.#contexts = contexts;
      this.#log.info({ certificates: contexts.length }, 'TLS certificates were read again');
      return true;
    } catch (error) {
      this.#log.error({ err: error }, 'the new TLS certificates cannot be used; the old ones stay in force');
      return false;
    }
  }

  /** Reloads by itself when one of the files has changed, until `close`. */
  watch(): void {
    this.#timer = this.#clock.after(LOOK_EVERY, () => {
      if (this.#fingerprint() !== this.#seen) this.reload();
      this.watch();
    });
  }

  close(): void {
    this.#timer?.clear();
    this.#servers.clear();
  }

  #load(): LoadedCertificates {
    const loaded = loadCertificates(this.#settings, this.#clock.now());
    if (loaded.faults.length > 0) throw new TlsFault(loaded.faults);
    for (const { says } of loaded.warnings) this.#log.warn(says);
    return loaded;
  }

  #contextsOf(loaded: LoadedCertificates): NamedContext[] {
    return loaded.certificates.map(({ names, cert, key }) => ({
      names,
      context: createSecureContext({ ...this.#common(loaded), cert, key }),
    }));
  }

  #own(loaded: LoadedCertificates): { cert?: string; key?: string; ca?: string; minVersion: 'TLSv1.2' | 'TLSv1.3' } {
    const [first] = loaded.certificates;
    return { ...this.#common(loaded), ...(first && { cert: first.cert, key: first.key }) };
  }

  #common({ ca }: LoadedCertificates): { ca?: string; minVersion: 'TLSv1.2' | 'TLSv1.3' } {
    return { minVersion: this.#settings.minVersion, ...(ca === undefined ? {} : { ca }) };
  }

  /** Changes with each of the files, also where a link leads elsewhere. */
  #fingerprint(): string {
    const { certificates, ca } = this.#settings;
    const files = [
      ...certificates.flatMap(({ cert, key, chain }) => [cert, key, ...(chain === undefined ? [] : [chain])]),
      ...(ca === undefined ? [] : [ca]),
    ];
    return files
      .map((file) => {
        const facts = statSync(file, { throwIfNoEntry: false });
        return facts ? `${facts.ino} ${facts.size} ${facts.mtimeMs}` : '';
      })
      .join(';');
  }
}
