// A layer's text (a file of the installation, a variable) to its values: all of it is understood, or none is used.
import { readJson } from '#core/api/read-json.ts';
import type { ConfigSource } from '#core/config/layers.ts';
import { type ConfigValue, findParameter, parameterKeys, parseValue } from '#core/config/parameters.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import { didYouMean } from '#core/spec/nearest.ts';

/** `text`: a JSON object of parameters, such as `{ "source.fetchBytesMax": "4MiB" }`. */
export function readConfigSource(from: string, text: string): Result<ConfigSource, string> {
  const json = readJson(text);
  if (!json.ok) return refuse(`${from}: ${json.problem.message}`);
  if (typeof json.value !== 'object' || json.value === null || Array.isArray(json.value))
    return refuse(`${from}: expected a JSON object of parameters and values`);
  const values: Record<string, ConfigValue> = {};
  for (const [key, given] of Object.entries(json.value)) {
    const value = readSetting(key, given);
    if (!value.ok) return refuse(`${from}: ${value.problem}`);
    values[key] = value.value;
  }
  return ok({ from, values });
}

/** One parameter and its value, in the words of whoever wrote them. */
export function readSetting(key: string, given: unknown): Result<ConfigValue, string> {
  const parameter = findParameter(key);
  if (parameter === null)
    return refuse(
      `there is no parameter ${JSON.stringify(key)}${didYouMean(key, parameterKeys)}; expected one of ${parameterKeys.join(', ')}`,
    );
  const value = parseValue(parameter, given);
  return value.ok ? value : refuse(`${key}: ${value.problem}`);
}
