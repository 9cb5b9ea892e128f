// ARNs of what is inside an MSK cluster, as its IAM access control names them: they share the cluster's name and id.
import { Fn } from 'aws-cdk-lib';

type KafkaResource = 'topic' | 'group' | 'transactional-id';

/** `arn:…:cluster/<name>/<id>` → `arn:…:topic/<name>/<id>/<name of the topic>`. */
export const kafkaArn = (clusterArn: string, kind: KafkaResource, name: string): string =>
  `${Fn.join(`:${kind}/`, Fn.split(':cluster/', clusterArn))}/${name}`;
