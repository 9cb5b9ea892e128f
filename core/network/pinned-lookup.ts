// Looks a host up once and connects to what was looked at: a name that changes its mind in between reaches nothing else.
import { type Network, refuseAddress } from '#core/network/address.ts';

export interface HostAddress {
  readonly address: string;
  readonly family: number;
}

export type Resolve = (host: string) => Promise<readonly HostAddress[]>;

/** What `net.connect` asks for addresses: Node's own type of it, without Node. */
export type PinnedLookup = (
  host: string,
  options: { readonly all?: boolean | undefined },
  callback: (error: Error | null, address: string | HostAddress[], family?: number) => void,
) => void;

/** The name led to an address that nothing may connect to. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/** All addresses of the host, if every one of them may be connected to: one bad address refuses the name. */
export async function resolveChecked(
  host: string,
  opened: readonly Network[],
  resolve: Resolve,
): Promise<readonly HostAddress[]> {
  const addresses = await resolve(host);
  for (const { address } of addresses) {
    const refused = refuseAddress(address, opened);
    if (refused !== null) throw new AddressRefused(`${host} leads to an address that is not connected to: ${refused}`);
  }
  if (addresses.length === 0) throw new Error(`${host} has no address`);
  return addresses;
}

/** For `net.connect`, which connects to what it is given here and asks nobody else. */
export function pinnedLookup(opened: readonly Network[], resolve: Resolve): PinnedLookup {
  return (host, { all }, callback) => {
    resolveChecked(host, opened, resolve).then(
      (addresses) => {
        if (all) callback(null, [...addresses]);
        else callback(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: Error) => callback(error, '', 0),
    );
  };
}
