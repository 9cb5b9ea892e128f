// Writes the table of docs/reference/configuration.md from the list of parameters; a test holds it fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsOfPlatform } from '#core/config/job-settings.ts';
import { describeForm, formatValue, parameters } from '#core/config/parameters.ts';
import { awsSettings, localSettings } from '#core/graph/platform-settings.ts';

const begin = '<!-- Written by docs/generate-configuration.ts from the list of parameters. -->';
const end = '<!-- end -->';

function table(): string {
  const [local, aws] = [localSettings, awsSettings].map(
    ({ worker }) => new Map(settingsOfPlatform(worker).map(({ key, value }) => [key, value])),
  );
  const rows = parameters.map((parameter) => {
    const { key, form, live, summary, field } = parameter;
    const [here, there] = [local!, aws!].map((values) =>
      values.has(key) ? formatValue(parameter, values.get(key)!) : '',
    );
    const byDefault = here === there ? here : `${here}; on AWS ${there}`;
    const place = `\`${field ?? 'spec.config'}\``;
    const cells = [`\`${key}\``, describeForm(form), byDefault || 'the sink’s', live ? 'yes' : 'no', place, summary];
    return `| ${cells.join(' | ')} |`;
  });
  return ['| parameter | values | default | live | in a route | |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

const page = join(import.meta.dirname, 'reference/configuration.md');

export function configurationReference(): string {
  const text = readFileSync(page, 'utf8');
  return `${text.slice(0, text.indexOf(begin))}${begin}\n${table()}\n${text.slice(text.indexOf(end))}`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(page, configurationReference());
