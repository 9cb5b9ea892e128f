// checkov over the synthesized templates: which of its findings are explained, which are not, and which explanations explain nothing any more.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptedCheckov } from '#infra/accepted-checkov.ts';
import type { Python } from './python.ts';

interface Failed {
  readonly check_id: string;
  readonly check_name: string;
  /** Of the template, with a slash before it. */
  readonly file_path: string;
  /** `<type>.<logical id>`. */
  readonly resource: string;
}

interface Report {
  readonly results: { readonly failed_checks: readonly Failed[] };
  readonly summary: { readonly passed: number; readonly parsing_errors: number };
}

export interface CheckovFindings {
  readonly passed: number;
  readonly explained: number;
  readonly open: readonly string[];
  /** Of the list, what is found no more. */
  readonly stale: readonly string[];
}

export function checkov(python: Python, folder: string): CheckovFindings {
  const { results, summary } = report(python, folder);
  if (summary.parsing_errors > 0) throw new Error(`checkov cannot read ${summary.parsing_errors} templates`);
  const found = results.failed_checks.map(({ check_id: rule, check_name: text, file_path: file, resource }) => {
    const at = pathOf(join(folder, file), resource.slice(resource.lastIndexOf('.') + 1));
    return { rule, text, at, accepted: acceptedCheckov.find((each) => each.rule === rule && each.at.test(at)) };
  });
  const used = new Set(found.map(({ accepted }) => accepted));
  return {
    passed: summary.passed,
    explained: found.filter(({ accepted }) => accepted !== undefined).length,
    open: found
      .filter(({ accepted }) => accepted === undefined)
      .map(({ rule, at, text }) => `${rule} at ${at}: ${text}; change it, or explain it in infra/accepted-checkov.ts`),
    stale: acceptedCheckov.filter((each) => !used.has(each)).map(({ rule, at }) => `${rule} at ${at} is found no more`),
  };
}

/** Its guidelines stay where they are: nothing is fetched but the package itself. */
function report(python: Python, folder: string): Report {
  const { stdout, stderr } = spawnSync(
    python.program('checkov'),
    ['--directory', folder, '--framework', 'cloudformation', '--output', 'json', '--compact', '--skip-download'],
    { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  try {
    return JSON.parse(stdout) as Report;
  } catch {
    throw new Error(`checkov gave no report: ${stderr.slice(-2_000) || stdout.slice(-2_000)}`);
  }
}

/** The construct's path within the platform, as the rule packs name it. */
function pathOf(template: string, logicalId: string): string {
  const { Resources } = JSON.parse(readFileSync(template, 'utf8')) as {
    Resources: Record<string, { Metadata?: Record<string, string> }>;
  };
  const path = Resources[logicalId]?.Metadata?.['aws:cdk:path'] ?? logicalId;
  return path.replace(/^[^/]*Millrace-[a-z]+\//, '');
}
