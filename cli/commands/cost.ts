// `millrace cost platform`: what the platform costs a month on AWS, idle and with a fleet; computed here, nothing is asked.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { formatTable } from '#cli/print/table.ts';
import { type CostLine, type Fleet, platformCost, totalOf } from '#core/cost/platform-cost.ts';
import { platformShapes, type ShapeName, shapeNames } from '#core/cost/platform-shapes.ts';
import { prices } from '#core/cost/price-table.ts';
import { biggestLevers, costBySize, idleCost, type Lever, type SizeCost } from '#core/cost/summarize-cost.ts';
import { awsSettings } from '#core/graph/platform-settings.ts';

interface CostOptions extends Omit<Fleet, 'memoryMiB'> {
  readonly memory: number;
  readonly stage: ShapeName;
  readonly output: OutputFormat;
}

export function registerCost(program: Command): void {
  const cost = program.command('cost').summary('what the platform costs a month on AWS');
  cost
    .command('platform')
    .summary('idle, and with a fleet of jobs, by what it is made of')
    .addOption(new Option('--stage <stage>', 'the stacks of which stage').choices(shapeNames).default('prod'))
    .addOption(new Option('--jobs <count>', 'so many jobs; 0: idle').argParser(readJobs).default(100))
    .option('--workers-per-job <count>', 'so many workers a job', readCount, 1)
    .option('--splits-per-job <count>', 'so many partitions a job reads', readCount, 4)
    .addOption(new Option('--cpu <vcpu>', 'of a worker').argParser(readCpu).default(0.25))
    .option('--memory <mebibytes>', 'of a worker', readCount, 512)
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(costOfPlatform);
}

const readJobs = (text: string): number => (text === '0' ? 0 : readCount(text));

function readCpu(text: string): number {
  const cpu = Number(text);
  if (!(cpu > 0 && cpu <= 16)) throw new InvalidArgumentError('Expected vCPUs such as 0.25, at most 16.');
  return cpu;
}

async function costOfPlatform({ stage, output, memory, ...rest }: CostOptions): Promise<void> {
  const fleet: Fleet = { ...rest, memoryMiB: memory };
  const lines = platformCost(platformShapes[stage], fleet, awsSettings, prices);
  const shape = platformShapes[stage];
  const idle = idleCost(shape, fleet, awsSettings, prices);
  const bySize = costBySize(shape, fleet, awsSettings, prices);
  const levers = biggestLevers(lines);
  const total = totalOf(lines);
  const perJob = fleet.jobs === 0 ? null : (total - idle) / fleet.jobs;
  const { region, asOf, currency } = prices;
  await printAs(output, {
    value: { stage, fleet, prices: { region, asOf, currency }, lines, idle, total, perJob, bySize, levers },
    table: () =>
      `${formatTable(columns, lines)}\n` +
      `a month: ${money(total)}; of it ${money(idle)} idle${perJob === null ? '' : `, ${money(perJob)} a job`}\n\n` +
      `${formatTable(sizeColumns, bySize)}\n` +
      `the biggest levers:\n${levers.map(leverLine).join('')}\n` +
      `${bySize.some(({ isBeyond }) => isBeyond) ? '* more workers than the stage is made for: more brokers are not in it\n' : ''}` +
      `${currency} at list prices of ${region} as of ${asOf}; no transfer between zones, no discounts\n`,
    names: () => [],
  });
}

const money = (amount: number): string => `$${amount.toFixed(2)}`;

const columns = [
  { heading: 'what', cell: (line: CostLine) => line.what },
  { heading: 'a month', cell: (line: CostLine) => money(line.monthly), align: 'right' as const },
  { heading: 'less by', cell: (line: CostLine) => line.lever },
];

const sizeColumns = [
  { heading: 'jobs', cell: ({ jobs, isBeyond }: SizeCost) => `${jobs}${isBeyond ? ' *' : ''}` },
  { heading: 'a month', cell: ({ monthly }: SizeCost) => money(monthly), align: 'right' as const },
  {
    heading: 'a job',
    cell: ({ perJob }: SizeCost) => (perJob === null ? 'idle' : money(perJob)),
    align: 'right' as const,
  },
];

const leverLine = ({ what, lever, monthly, share }: Lever): string =>
  `  ${money(monthly)} (${Math.round(share * 100)} %)  ${what}: ${lever}\n`;
