import CRabbitMQ

/// Copies of what the library shows us: its memory is recycled with the next frame.
extension String {
    init(_ bytes: amqp_bytes_t) {
        // A peer may send anything: what is not UTF-8 is repaired, not trusted.
        self = String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}

extension [UInt8] {
    init(_ bytes: amqp_bytes_t) {
        self = Array(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }
}

extension AMQPTable {
    init(_ table: amqp_table_t) {
        self.init()
        guard let entries = table.entries else { return }
        for index in 0..<Int(table.num_entries) {
            self[String(entries[index].key)] = AMQPValue(entries[index].value)
        }
    }
}

extension AMQPValue {
    init(_ field: amqp_field_value_t) {
        let value = field.value
        switch amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: self = .bool(value.boolean != 0)
        case AMQP_FIELD_KIND_I8: self = .int(Int64(value.i8))
        case AMQP_FIELD_KIND_U8: self = .int(Int64(value.u8))
        case AMQP_FIELD_KIND_I16: self = .int(Int64(value.i16))
        case AMQP_FIELD_KIND_U16: self = .int(Int64(value.u16))
        case AMQP_FIELD_KIND_I32: self = .int(Int64(value.i32))
        case AMQP_FIELD_KIND_U32: self = .int(Int64(value.u32))
        case AMQP_FIELD_KIND_I64: self = .int(value.i64)
        case AMQP_FIELD_KIND_U64: self = .int(Int64(clamping: value.u64))
        case AMQP_FIELD_KIND_F32: self = .double(Double(value.f32))
        case AMQP_FIELD_KIND_F64: self = .double(value.f64)
        case AMQP_FIELD_KIND_DECIMAL: self = .double(Self.decimal(value.decimal))
        case AMQP_FIELD_KIND_UTF8: self = .string(String(value.bytes))
        case AMQP_FIELD_KIND_BYTES: self = .bytes([UInt8](value.bytes))
        case AMQP_FIELD_KIND_TIMESTAMP: self = .timestamp(Int64(clamping: value.u64))
        case AMQP_FIELD_KIND_TABLE: self = .table(AMQPTable(value.table))
        case AMQP_FIELD_KIND_ARRAY:
            let array = value.array
            self = .array(
                (0..<Int(array.num_entries)).compactMap { index in
                    array.entries.map { AMQPValue($0[index]) }
                }
            )
        default: self = .null
        }
    }

    private static func decimal(_ decimal: amqp_decimal_t) -> Double {
        (0..<decimal.decimals).reduce(Double(decimal.value)) { number, _ in number / 10 }
    }
}

extension Delivery.Properties {
    init(_ raw: amqp_basic_properties_t) {
        self.init()
        func text(_ flag: CInt, _ bytes: amqp_bytes_t) -> String? {
            raw._flags & UInt32(flag) != 0 ? String(bytes) : nil
        }
        self.type = text(AMQP_BASIC_TYPE_FLAG, raw.type)
        self.messageID = text(AMQP_BASIC_MESSAGE_ID_FLAG, raw.message_id)
        self.replyTo = text(AMQP_BASIC_REPLY_TO_FLAG, raw.reply_to)
        self.correlationID = text(AMQP_BASIC_CORRELATION_ID_FLAG, raw.correlation_id)
        self.contentType = text(AMQP_BASIC_CONTENT_TYPE_FLAG, raw.content_type)
        self.userID = text(AMQP_BASIC_USER_ID_FLAG, raw.user_id)
        if raw._flags & UInt32(AMQP_BASIC_TIMESTAMP_FLAG) != 0 { self.timestamp = Int64(clamping: raw.timestamp) }
        if raw._flags & UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 { self.persistent = raw.delivery_mode == 2 }
        if raw._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 { self.headers = AMQPTable(raw.headers) }
    }
}
