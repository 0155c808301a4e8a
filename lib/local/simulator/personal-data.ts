/**
 * Values that represent personal data in events, by kind. They occur nowhere else, so a scan can recognize them. Some
 * are the start of a longer value.
 */
export const PERSONAL_DATA = {
  customerName: 'Zoë "V" Vex',
  agentName: 'Ann Ormbrandt',
  phoneNumber: '+19995',
  serviceNumber: '+18885550100',
  messagingAddress: 'contact-vexley',
  email: 'zoe.vexley@mail.example',
  endpoint: 'sip:vex@edge.example',
  attribute: 'QX 88213 K',
  attributeName: 'mothersMaidenName',
  account: 778_240_011_309,
  note: 'wants a blue canoe',
  subject: 'Complaint: canoe\n4471',
  spokenWord: 'zebraniner',
  presenceMessage: 'at the dentist until three',
} as const;

const { customerName, phoneNumber, email, account, note, attribute, attributeName } = PERSONAL_DATA;

/** Personal data as in stream events, together with other data. */
export const PERSONAL_FIELDS = {
  caller: { name: customerName, number: `${phoneNumber}550143`, email },
  ani: `tel:${phoneNumber}550143`,
  account,
  note,
  attributes: { [attributeName]: attribute },
} as const;

/** Messages with personal data that are not events: JSON without the fields of an event, and text that is not JSON. */
export const PERSONAL_GARBAGE: readonly (string | Buffer)[] = [
  JSON.stringify({ type: 'event', data: { ...PERSONAL_FIELDS, data: email } }),
  JSON.stringify({
    topicName: 7,
    eventBody: PERSONAL_FIELDS,
    events: [{ data: PERSONAL_FIELDS }],
    more: note,
  }),
  JSON.stringify({ eventBody: JSON.stringify(PERSONAL_FIELDS) }),
  JSON.stringify({
    type: `news of ${customerName}`,
    result: '500',
    message: `${customerName} did not answer`,
  }),
  `{"eventBody":{"name":${JSON.stringify(customerName)},"ani":"${phoneNumber}550143"`,
  Buffer.from([0xff, ...Buffer.from(`${customerName} ${phoneNumber}550143`)]),
];
