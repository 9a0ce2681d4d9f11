import CRabbitMQ
import Glibc

/// Memory for the strings and tables of one call into the library: taken piece by piece, given back all at once.
///
/// Confined to the loop's thread, as the connection that owns it.
final class CArena {
    private static let slabSize = 65_536

    private let slab: UnsafeMutableRawPointer
    private var used = 0
    private var large: [UnsafeMutableRawPointer] = []

    init() {
        self.slab = UnsafeMutableRawPointer.allocate(byteCount: Self.slabSize, alignment: 16)
    }

    deinit {
        self.reset()
        self.slab.deallocate()
    }

    /// Gives back everything taken since the last reset.
    func reset() {
        self.used = 0
        for block in self.large { block.deallocate() }
        self.large.removeAll()
    }

    /// The text as the library takes it; valid until ``reset()``.
    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { self.bytes(UnsafeRawBufferPointer($0)) }
    }

    /// The text with a closing zero, as C takes it; valid until ``reset()``.
    func cString(_ text: String) -> UnsafePointer<CChar> {
        let count = text.utf8.count
        let memory = self.take(count + 1)
        for (index, unit) in text.utf8.enumerated() { memory.storeBytes(of: unit, toByteOffset: index, as: UInt8.self) }
        memory.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
        return UnsafePointer(memory.bindMemory(to: CChar.self, capacity: count + 1))
    }

    /// The table as the library takes it; valid until ``reset()``.
    func table(_ table: AMQPTable) -> amqp_table_t {
        guard !table.isEmpty else { return amqp_table_t(num_entries: 0, entries: nil) }
        let size = MemoryLayout<amqp_table_entry_t>.stride * table.count
        let entries = self.take(size).bindMemory(to: amqp_table_entry_t.self, capacity: table.count)
        for (index, (key, value)) in table.enumerated() {
            let entry = amqp_table_entry_t(key: self.bytes(key), value: self.field(value))
            (entries + index).initialize(to: entry)
        }
        return amqp_table_t(num_entries: CInt(table.count), entries: entries)
    }

    private func field(_ value: AMQPValue) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        switch value {
        case .string(let text): field.set(AMQP_FIELD_KIND_UTF8) { $0.bytes = self.bytes(text) }
        case .int(let number): field.set(AMQP_FIELD_KIND_I64) { $0.i64 = number }
        case .bool(let flag): field.set(AMQP_FIELD_KIND_BOOLEAN) { $0.boolean = flag ? 1 : 0 }
        case .double(let number): field.set(AMQP_FIELD_KIND_F64) { $0.f64 = number }
        case .timestamp(let seconds):
            field.set(AMQP_FIELD_KIND_TIMESTAMP) { $0.u64 = UInt64(clamping: seconds) }
        case .bytes(let bytes):
            field.set(AMQP_FIELD_KIND_BYTES) { $0.bytes = bytes.withUnsafeBytes { self.bytes($0) } }
        case .table(let table): field.set(AMQP_FIELD_KIND_TABLE) { $0.table = self.table(table) }
        case .array(let values): field.set(AMQP_FIELD_KIND_ARRAY) { $0.array = self.array(values) }
        case .null: field.kind = UInt8(AMQP_FIELD_KIND_VOID.rawValue)
        }
        return field
    }

    private func array(_ values: [AMQPValue]) -> amqp_array_t {
        guard !values.isEmpty else { return amqp_array_t(num_entries: 0, entries: nil) }
        let size = MemoryLayout<amqp_field_value_t>.stride * values.count
        let entries = self.take(size).bindMemory(to: amqp_field_value_t.self, capacity: values.count)
        for (index, value) in values.enumerated() { (entries + index).initialize(to: self.field(value)) }
        return amqp_array_t(num_entries: CInt(values.count), entries: entries)
    }

    private func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let base = source.baseAddress, source.count > 0 else { return amqp_bytes_t(len: 0, bytes: nil) }
        let memory = self.take(source.count)
        memory.copyMemory(from: base, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: memory)
    }

    private func take(_ size: Int) -> UnsafeMutableRawPointer {
        let rounded = (size + 15) & ~15
        if self.used + rounded <= Self.slabSize {
            defer { self.used += rounded }
            return self.slab + self.used
        }
        let block = UnsafeMutableRawPointer.allocate(byteCount: rounded, alignment: 16)
        self.large.append(block)
        return block
    }
}

extension amqp_field_value_t {
    fileprivate mutating func set(_ kind: amqp_field_value_kind_t, _ write: (inout __Unnamed_union_value) -> Void) {
        self.kind = UInt8(kind.rawValue)
        write(&self.value)
    }
}
