// A job's configuration for people: what holds and why, and with it, where asked, what was said before.
import { formatTable } from '#cli/print/table.ts';
import type { ConfigView } from '#core/api/config-schemas.ts';

type ParameterView = ConfigView['parameters'][number];

export function describeConfig(view: ConfigView, withHistory: boolean): string {
  const table = formatTable<ParameterView>(
    [
      { heading: 'parameter', cell: ({ key }) => key },
      { heading: 'value', cell: ({ value }) => value },
      { heading: 'layer', cell: ({ layer }) => layer },
      { heading: 'live', cell: ({ live }) => (live ? 'yes' : 'no') },
      { heading: 'from', cell: whence },
      { heading: 'instead of', cell: overshadowed },
    ],
    view.parameters,
  );
  return withHistory ? `${table}\n${historyTable(view)}` : table;
}

/** Where the value that holds was said, and for how long and why where that is kept. */
function whence({ settings }: ParameterView): string {
  const holds = settings.at(-1)!;
  const until = holds.expiresAt === undefined ? '' : ` until ${holds.expiresAt}`;
  const who = holds.author === undefined ? '' : ` (${holds.author}${holds.reason ? `: ${holds.reason}` : ''})`;
  return `${holds.from}${until}${who}`;
}

const overshadowed = ({ settings }: ParameterView): string =>
  settings
    .slice(0, -1)
    .reverse()
    .map(({ value, layer }) => `${value} (${layer})`)
    .join(', ');

function historyTable({ parameters }: ConfigView): string {
  const rows = parameters
    .flatMap(({ key, history }) => history.map((past) => ({ ...past, key })))
    .sort((a, b) => (a.at < b.at ? 1 : -1));
  return formatTable(
    [
      { heading: 'when', cell: ({ at }) => at },
      { heading: 'parameter', cell: ({ key }) => key },
      { heading: 'value', cell: ({ value }) => value ?? 'cleared' },
      { heading: 'where', cell: ({ from }) => from },
      { heading: 'until', cell: ({ expiresAt }) => expiresAt ?? '' },
      { heading: 'who', cell: ({ author }) => author },
      { heading: 'why', cell: ({ reason }) => reason ?? '' },
    ],
    rows,
  );
}
