import { InvalidArgumentError } from 'commander';
import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';
import {
  defaultPort,
  transportNamed,
  type ListenAddress,
  type TransportName,
} from '../../../sip/transport/addresses.ts';

interface Contact {
  readonly listen: readonly ListenAddress[];
  externalIp?: string;
  localNet?: string;
}

/** Where to listen, as drachtio-server's flags say it: each --contact, and what follows it and belongs to it. */
export class Contacts {
  readonly #contacts: Contact[] = [];

  /** One entry for each transport of each contact. */
  get listen(): ListenAddress[] {
    return this.#contacts.flatMap(({ listen, externalIp, localNet }) => {
      if (externalIp === undefined) return listen;
      const advertised = { address: externalIp, ...(localNet === undefined ? {} : { notTo: [localNet] }) };
      return listen.map((address) => ({ ...address, advertised }));
    });
  }

  /** `--contact` */
  add(text: string): this {
    this.#contacts.push({ listen: readContact(text) });
    return this;
  }

  /** `--external-ip`: what Via and Contact say instead of the address of the contact before. */
  advertise(text: string): this {
    const contact = this.#last('--external-ip');
    if (!isIP(text)) throw new InvalidArgumentError('expected an IP address');
    contact.externalIp = text;
    return this;
  }

  /** `--local-net`: peers there see the address of the contact before as it is. */
  keepLocal(text: string): this {
    const contact = this.#last('--local-net');
    if (!ipaddr.isValidCIDR(text)) throw new InvalidArgumentError('expected a prefix such as 10.0.0.0/8');
    contact.localNet = text;
    return this;
  }

  #last(flag: string): Contact {
    const contact = this.#contacts.at(-1);
    if (!contact) throw new InvalidArgumentError(`${flag} belongs to the --contact before it, and there is none`);
    return contact;
  }
}

const pattern = /^(sips?):(\*|\[[0-9a-f:.]+\]|[0-9.]+)(?::(\d{1,5}))?(?:;transport=([a-z,]+))?$/i;

/**
 * `sip:127.0.0.1:5070;transport=udp,tcp` as udp and tcp there; `*` is every IPv4 address. Without a transport: udp and tcp, for
 * sips tls. Under sips, ws is wss.
 */
export function readContact(text: string): ListenAddress[] {
  const [matched, scheme = '', host = '', digits, named] = pattern.exec(text) ?? [];
  const secure = scheme.toLowerCase() === 'sips';
  const names = (named ?? (secure ? 'tls' : 'udp,tcp')).toLowerCase().split(',');
  const transports = names.map((name) => under(transportNamed(name), secure));
  const address = host === '*' ? '0.0.0.0' : host.replace(/^\[|\]$/g, '');
  const port = digits === undefined ? undefined : Number(digits);
  if (matched === undefined || !isIP(address) || (port ?? 0) > 65_535) throw unreadable();
  return transports.map((transport) => {
    if (!transport) throw unreadable();
    return { transport, address, port: port ?? defaultPort(transport) };
  });
}

function under(transport: TransportName | undefined, secure: boolean): TransportName | undefined {
  if (!secure || transport === undefined || transport === 'wss' || transport === 'tls') return transport;
  if (transport === 'ws') return 'wss';
  return transport === 'tcp' ? 'tls' : undefined;
}

function unreadable(): InvalidArgumentError {
  return new InvalidArgumentError(
    'expected sip:address:port;transport=udp (or tcp, tls, ws, wss, or several with commas) with an IP address or *',
  );
}
