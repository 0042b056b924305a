import type { ConnectMode } from '../call/record.ts';
import type { IdentityPolicy } from '../numbers/present.ts';
import type { TrunkReadingSettings } from '../numbers/read.ts';
import type { NetworkHeaderPolicy } from './network-headers.ts';

/** A SIP interconnection with an operator. */
export interface TrunkSettings {
  name: string;
  /** Who may send us calls: addresses or `address/length`, IPv4 or IPv6. */
  peers: readonly string[];
  /** `sip:host[:port][;transport=…]`, in the order of trying. */
  gateways: readonly string[];
  /** How its INVITEs are read. */
  reading: TrunkReadingSettings;
  /** How the caller and the diversion are shown on calls that we send to it. */
  identity: IdentityPolicy;
  /** Which headers of the network's own go on to it from the caller's leg. */
  network?: NetworkHeaderPolicy;
  /** How its calls may be connected, the preferred way first. Default: bridge. */
  connect?: readonly [ConnectMode, ...ConnectMode[]];
  /** Whether callers are told by 181 that their call is forwarded; otherwise 180 takes its place. Default: not. */
  announceForwarding?: boolean;
  /**
   * Whose provisional responses are reliable (RFC 3262): towards callers that require it, towards all that can, or
   * never, and then it is not offered to targets either. Default: required.
   */
  reliableProvisionals?: 'required' | 'supported' | 'never';
  /** Milliseconds of the session timer that we ask for (RFC 4028); 0 asks for none. Default: 0. */
  sessionInterval?: number;
  /** Milliseconds between two OPTIONS towards a gateway; 0 never asks. */
  optionsInterval: number;
  /** Milliseconds without any sign of life from a gateway after which the next one is tried. */
  gatewayTimeout: number;
  /** Milliseconds that a final called number may ring. */
  ringTimeout: number;
  /** What we answer a 401 or 407 of its gateways with. */
  credentials?: { username: string; password: string };
}

export interface Route {
  /** Beginning of the numbers that go this way; the longest one that fits wins. */
  prefix: string;
  /** Name of a trunk. */
  trunk: string;
}
