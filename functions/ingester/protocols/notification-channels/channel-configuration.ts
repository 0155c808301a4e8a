import * as z from 'zod';
import { MAX_CHANNELS_PER_CLIENT } from '../../../../lib/genesys/channel-budget.ts';
import { topicProblems } from '../../../../lib/genesys/configured-topics.ts';
import { MAX_SHARDS, type TopicShard } from '../../../../lib/genesys/topic-shards.ts';
import { members, wholeNumber } from '../../../../lib/protocols/configuration-fields.ts';

const EXAMPLE = 'v2.users.{id}.presence,v2.routing.queues.{id}.conversations';

/** Environment variables of `notification-channels`. */
export const channelConfiguration = z.object({
  TOPICS: z
    .string(`is missing: name the topics, for example ${EXAMPLE}`)
    .transform(members)
    .superRefine((topics, context) => {
      if (topics.length === 0) context.addIssue(`is missing: name the topics, for example ${EXAMPLE}`);
      for (const problem of topicProblems(topics)) context.addIssue(`names ${problem}`);
    })
    .meta({
      description:
        'Topics to subscribe to, separated by commas, for example `v2.users.{id}.presence,v2.routing.queues.{id}.conversations`. `{id}` stands for every user or queue, including those that are created later.',
      typeText: 'list of topics',
      defaultText: 'required',
    }),
  TOPICS_OBJECT: z.string().optional().meta({
    description:
      'S3 object that contains the topics, in place of `TOPICS`: `s3://bucket/key`. The task role needs `s3:GetObject`.',
    typeText: 'URL',
  }),
  SHARD: z
    .string()
    .regex(/^\d{1,3}\/\d{1,3}$/, 'is not of the form index/count, for example 0/2')
    .transform((text): TopicShard => {
      const [index = 0, count = 0] = text.split('/').map(Number);
      return { index, count };
    })
    .refine(
      ({ index, count }) => index < count && count <= MAX_SHARDS,
      `names no shard: the index begins at 0 and is less than the count, which is at most ${MAX_SHARDS}`,
    )
    .optional()
    .meta({
      description:
        'Share of the topics that this deployment has, if several deployments divide them: its number, counted from 0, and the number of deployments, for example `0/2`.',
      typeText: 'index/count',
      defaultText: 'all topics',
    }),
  CHANNELS: wholeNumber({ fallback: MAX_CHANNELS_PER_CLIENT, min: 1, max: MAX_CHANNELS_PER_CLIENT }).meta({
    description:
      'Channels of each OAuth client that this task may use, with 1,000 topics each. An OAuth client has 20 channels for all tasks, and an upgrade runs twice as many tasks. Set it to at most 10 divided by the number of tasks that share the OAuth client.',
  }),
  TOPIC_REFRESH_SECONDS: wholeNumber({ fallback: 300, min: 5, max: 86_400 }).meta({
    description: 'Interval at which users and queues are listed again for topics with `{id}`.',
  }),
});
/** Which topics to subscribe to, and how often users and queues are listed again. */
export type ChannelConfiguration = z.infer<typeof channelConfiguration>;
