// Layers of configuration, from the weakest to the strongest, and which of several settings of one parameter holds.
import type { ConfigValue, ParameterKey } from '#core/config/parameters.ts';

/**
 * platform: what the code says. files: the installation's own file. team: of all jobs of an owner. job: the route's
 * declaration. environment: the variable of an installation, over all jobs. override: of one job, by the API, for a time.
 */
export const configLayers = ['platform', 'files', 'team', 'job', 'environment', 'override'] as const;
export type ConfigLayer = (typeof configLayers)[number];

export interface Setting {
  readonly key: ParameterKey;
  readonly layer: ConfigLayer;
  readonly value: ConfigValue;
  /** Where it stands, for people: a file, a field of the route, a variable, `team playback`. */
  readonly from: string;
  readonly author?: string;
  readonly reason?: string;
  readonly at?: number;
  readonly expiresAt?: number;
}

/** What a file or a variable says, read and checked when the program starts. */
export interface ConfigSource {
  readonly from: string;
  readonly values: Readonly<Partial<Record<ParameterKey, ConfigValue>>>;
}

/** Of each parameter the setting of the strongest layer; within a layer the last one. */
export function resolveSettings(settings: readonly Setting[]): ReadonlyMap<ParameterKey, Setting> {
  const effective = new Map<ParameterKey, Setting>();
  for (const setting of settings) {
    const known = effective.get(setting.key);
    if (known === undefined || strength(setting) >= strength(known)) effective.set(setting.key, setting);
  }
  return effective;
}

const strength = ({ layer }: Setting): number => configLayers.indexOf(layer);
