/** AMQP 0-9-1, section 4.2: an octet of type, a short of channel, a long of size, the payload, an octet of end. */
export const FRAME_METHOD = 1;
export const FRAME_HEADER = 2;
export const FRAME_BODY = 3;
export const FRAME_END = 0xce;
export const FRAME_HEAD_BYTES = 7;
/** Head and end. */
export const FRAME_OVERHEAD_BYTES = 8;

/** Class 60 (basic) in the upper half, the method in the lower one. */
export const BASIC_PUBLISH = 0x003c_0028;
export const BASIC_DELIVER = 0x003c_003c;
export const BASIC_ACK = 0x003c_0050;
export const BASIC_REJECT = 0x003c_005a;
export const BASIC_NACK = 0x003c_0078;
export const BASIC_CLASS = 60;

/** Bits of the property flags of class basic, in the order of the fields. */
export const PROPERTY = {
  contentType: 1 << 15,
  contentEncoding: 1 << 14,
  headers: 1 << 13,
  deliveryMode: 1 << 12,
  priority: 1 << 11,
  correlationId: 1 << 10,
  replyTo: 1 << 9,
  expiration: 1 << 8,
  messageId: 1 << 7,
  timestamp: 1 << 6,
  type: 1 << 5,
  userId: 1 << 4,
  appId: 1 << 3,
  clusterId: 1 << 2,
  /** More flags follow: nobody uses them. */
  more: 1,
} as const;

export const TWO_32 = 0x1_0000_0000;
