// Which alerts of a job are raised: above its threshold one is raised, and well below it cleared; what is not known changes nothing.
import { type AlertName, type AlertSpec, alertNames } from '#core/spec/alerts.ts';
import { formatDuration } from '#core/spec/quantity.ts';

/** Null: not known now. */
export type AlertValues = Readonly<Record<AlertName, number | null>>;

export interface RaisedAlert {
  readonly name: AlertName;
  /** "lag is 7m, above 5m". */
  readonly message: string;
}

/** What hovers about its threshold is told once, not once a pass. */
const clearedBelowShare = 0.8;

export function judgeAlerts(
  spec: AlertSpec,
  values: AlertValues,
  raisedBefore: readonly string[],
): readonly RaisedAlert[] {
  return alertNames.flatMap((name) => {
    const above = spec[name];
    const value = values[name];
    if (above === undefined) return [];
    const wasRaised = raisedBefore.includes(name);
    if (value === null)
      return wasRaised
        ? [{ name, message: `${title[name]} is not known now, and was above ${shown[name](above)}` }]
        : [];
    const isRaised = value > (wasRaised ? above * clearedBelowShare : above);
    return isRaised
      ? [{ name, message: `${title[name]} is ${shown[name](value)}, to be at most ${shown[name](above)}` }]
      : [];
  });
}

const title: Readonly<Record<AlertName, string>> = { lag: 'lag', deadLetterRate: 'the share of dead letters' };

const shown: Readonly<Record<AlertName, (value: number) => string>> = {
  lag: (ms) => formatDuration(Math.round(ms / 1_000) * 1_000),
  deadLetterRate: (share) => `${Number((share * 100).toPrecision(3))}%`,
};
