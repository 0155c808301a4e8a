export { eventDetailSchema, type PublishedEvent, publishedEventSchema } from './published-event.ts';
export { type EventDetail, type StoredObject, storedObjectSchema } from './schema.ts';
