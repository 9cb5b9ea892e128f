// Nothing under that name: said with the names that are nearest to it.
import { nearestNames } from '#core/spec/nearest.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

export function missing(
  kind: 'stream' | 'route' | 'job' | 'operation' | 'team',
  name: string,
  known: readonly string[],
): ApiRefusal {
  const near = nearestNames(name, known);
  const fix =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : known.length === 0
        ? `there is no ${kind} at all yet`
        : `there is ${known.slice(0, 5).join(', ')}${known.length > 5 ? `, and ${known.length - 5} more` : ''}`;
  return new ApiRefusal(404, `${kind}-missing`, `there is no ${kind} ${JSON.stringify(name)}`, { fix });
}
