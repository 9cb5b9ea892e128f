// The benchmark's events: seeded, about 500 bytes, 15 fields, one of them an object; and what the route makes of them.
import type { RowType, ScalarType } from '#core/expression/index.ts';

/** A small seeded generator (Marsaglia's xorshift, 32 bits): the same seed gives the same events everywhere. */
function createRandom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}

const kinds = ['play', 'stop', 'pause', 'seek'] as const;
const countries = ['US', 'BR', 'DE', 'IN', 'JP', 'FR', 'GB', 'MX'] as const;
const systems = ['ios', 'android', 'tvos', 'web'] as const;

/** What every runner is asked to do: two fields decide, five of fifteen go on, one of them nested. */
export const route = {
  where: "kind IN ('play', 'stop') AND duration_ms >= 0",
  select: 'id, ts, kind, country, device.os AS os',
} as const;

const scalar = (name: string, type: ScalarType) => ({ name, type: { kind: 'scalar', type } }) as const;

/** The stream's declared schema: with it every field of every event is checked. */
export const schema: RowType = [
  scalar('id', 'bigint'),
  scalar('ts', 'bigint'),
  scalar('kind', 'text'),
  scalar('country', 'text'),
  scalar('user', 'text'),
  scalar('session', 'text'),
  scalar('title', 'text'),
  {
    name: 'device',
    type: { kind: 'object', fields: [scalar('os', 'text'), scalar('model', 'text'), scalar('version', 'text')] },
  },
  scalar('duration_ms', 'bigint'),
  scalar('position_ms', 'bigint'),
  scalar('bitrate', 'bigint'),
  scalar('buffering', 'numeric'),
  scalar('url', 'text'),
  scalar('agent', 'text'),
  scalar('live', 'boolean'),
];

export interface Generated {
  readonly text: string;
  /** What the route has to write for it, to the byte; null where it filters the event. */
  readonly output: string | null;
}

export function createEvents(seed: number): (id: number) => Generated {
  const random = createRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const hex = (length: number): string => {
    let text = '';
    while (text.length < length)
      text += Math.floor(random() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, '0');
    return text.slice(0, length);
  };
  return (id) => {
    const kind = pick(kinds);
    const event = {
      id,
      ts: 1_767_225_600_000 + id,
      kind,
      country: pick(countries),
      user: `u-${hex(16)}`,
      session: hex(32),
      title: `A title of some length number ${Math.floor(random() * 100_000)}`,
      device: {
        os: pick(systems),
        model: `model-${Math.floor(random() * 500)}`,
        version: `${Math.floor(random() * 20)}.${Math.floor(random() * 10)}`,
      },
      duration_ms: Math.floor(random() * 7_200_000),
      position_ms: Math.floor(random() * 7_200_000),
      bitrate: Math.floor(random() * 16_000),
      buffering: random(),
      url: `https://cdn.example.net/v1/${hex(24)}/segment/${Math.floor(random() * 10_000)}.m4s`,
      agent: `Player/${Math.floor(random() * 9)}.${Math.floor(random() * 99)} (build ${hex(8)})`,
      live: random() < 0.1,
    };
    const { ts, country, device } = event;
    const passes = kind === 'play' || kind === 'stop';
    const output = passes ? JSON.stringify({ id, ts, kind, country, os: device.os }) : null;
    return { text: JSON.stringify(event), output };
  };
}
