/** The single topics of a combined topic such as `v2.users.{id}?presence&station`; none for other topics. */
export function partsOf(topic: string): readonly string[] {
  const [object, parts] = topic.split('?');
  return parts?.split('&').map((part) => `${object}.${part}`) ?? [];
}

/** The single topics that a topic stands for: its parts if it is combined, otherwise itself. */
export function singleTopics(topic: string): readonly string[] {
  return topic.includes('?') ? partsOf(topic) : [topic];
}
