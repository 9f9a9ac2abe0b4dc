// The row of an email's details: docs/formats/mailbox.md, `d`.

#include "state/mailbox/details.h"
#include "state/mailbox/details.pb.h"

namespace godwit::mailbox {
namespace {

constexpr std::uint32_t kVersion = 1;

// on disk: do not change. Bits of Part.flags; the lowest two are the kind
enum PartBits : std::uint32_t {
  kMultipart = 1,
  kMessage = 2,
  kIsMessage = 4,
  kLimit = 8,
  kNoBoundary = 16,
  kClosed = 32,
  kHeaderEnded = 64,
  kHeaderCut = 128,
  kTypeGiven = 256,
  kHasEnvelope = 512,
};
// on disk: do not change
constexpr std::uint32_t kGroupBegin = 1;
constexpr std::uint32_t kGroupEnd = 2;

std::unexpected<Error> damaged() { return fail(Error::permanent(Error::Cause::corrupt, "the row of an email's details is damaged")); }

template <class Record>
Result<Record> parse(std::string_view bytes) {
  Record record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return damaged();
  return record;
}

using Addresses = google::protobuf::RepeatedPtrField<record::EnvelopeAddress>;

void write(const std::vector<message::EnvelopeAddress>& addresses, Addresses& out) {
  using Kind = message::EnvelopeAddress::Kind;
  for (const auto& address : addresses) {
    auto& entry = *out.Add();
    if (address.kind != Kind::mailbox) entry.set_kind(address.kind == Kind::group_begin ? kGroupBegin : kGroupEnd);
    entry.set_name(address.name);
    entry.set_route(address.route);
    entry.set_mailbox(address.mailbox);
    entry.set_host(address.host);
  }
}

std::vector<message::EnvelopeAddress> read(Addresses& in) {
  using Kind = message::EnvelopeAddress::Kind;
  std::vector<message::EnvelopeAddress> out;
  out.reserve(static_cast<std::size_t>(in.size()));
  for (auto& entry : in) {
    const auto kind = entry.kind() == kGroupBegin ? Kind::group_begin : entry.kind() == kGroupEnd ? Kind::group_end : Kind::mailbox;
    out.push_back({kind, std::move(*entry.mutable_name()), std::move(*entry.mutable_route()), std::move(*entry.mutable_mailbox()),
                   std::move(*entry.mutable_host())});
  }
  return out;
}

void write(const message::Envelope& envelope, record::Envelope& out) {
  if (envelope.date) out.set_date(*envelope.date);
  if (envelope.subject) out.set_subject(*envelope.subject);
  write(envelope.from, *out.mutable_from());
  write(envelope.sender, *out.mutable_sender());
  write(envelope.reply_to, *out.mutable_reply_to());
  write(envelope.to, *out.mutable_to());
  write(envelope.cc, *out.mutable_cc());
  write(envelope.bcc, *out.mutable_bcc());
  if (envelope.in_reply_to) out.set_in_reply_to(*envelope.in_reply_to);
  if (envelope.message_id) out.set_message_id(*envelope.message_id);
}

message::Envelope read(record::Envelope& in) {
  message::Envelope out;
  if (in.has_date()) out.date = std::move(*in.mutable_date());
  if (in.has_subject()) out.subject = std::move(*in.mutable_subject());
  out.from = read(*in.mutable_from());
  out.sender = read(*in.mutable_sender());
  out.reply_to = read(*in.mutable_reply_to());
  out.to = read(*in.mutable_to());
  out.cc = read(*in.mutable_cc());
  out.bcc = read(*in.mutable_bcc());
  if (in.has_in_reply_to()) out.in_reply_to = std::move(*in.mutable_in_reply_to());
  if (in.has_message_id()) out.message_id = std::move(*in.mutable_message_id());
  return out;
}

using Parameters = google::protobuf::RepeatedPtrField<record::Parameter>;

void write(const std::vector<message::Parameter>& parameters, Parameters& out) {
  for (const auto& parameter : parameters) {
    auto& entry = *out.Add();
    entry.set_name(parameter.name);
    entry.set_value(parameter.value);
    entry.set_extended(parameter.extended);
  }
}

std::vector<message::Parameter> read(Parameters& in) {
  std::vector<message::Parameter> out;
  out.reserve(static_cast<std::size_t>(in.size()));
  for (auto& entry : in) out.push_back({std::move(*entry.mutable_name()), std::move(*entry.mutable_value()), entry.extended()});
  return out;
}

std::uint32_t bits_of(const message::Part& part) {
  using Kind = message::Part::Kind;
  std::uint32_t bits = part.kind == Kind::multipart ? kMultipart : part.kind == Kind::message ? kMessage : 0;
  const auto add = [&](bool holds, std::uint32_t bit) { bits |= holds ? bit : 0; };
  add(part.is_message, kIsMessage);
  add(part.limit, kLimit);
  add(part.no_boundary, kNoBoundary);
  add(part.closed, kClosed);
  add(part.header_ended, kHeaderEnded);
  add(part.header_cut, kHeaderCut);
  add(part.type_given, kTypeGiven);
  add(part.envelope.has_value(), kHasEnvelope);
  return bits;
}

void write(const message::Part& part, std::uint64_t begin_before, record::Part& out) {
  out.set_flags(bits_of(part));
  out.set_parent(part.parent);
  out.set_header_begin(part.header_begin - begin_before);
  out.set_header_size(part.header_size());
  out.set_body_size(part.body_size());
  out.set_header_lines(part.header_lines);
  out.set_body_lines(part.body_lines);
  if (part.type.type != "text") out.set_type(part.type.type);
  if (part.type.subtype != "plain") out.set_subtype(part.type.subtype);
  write(part.type.parameters, *out.mutable_parameters());
  out.set_encoding(part.encoding_name);
  out.set_id(part.id);
  out.set_description(part.description);
  out.set_location(part.location);
  out.set_md5(part.md5);
  if (part.disposition) {
    out.mutable_disposition()->set_type(part.disposition->type);
    write(part.disposition->parameters, *out.mutable_disposition()->mutable_parameters());
  }
  for (const auto& language : part.languages) out.add_languages(language);
}

void read_bits(std::uint32_t bits, message::Part& part) {
  using Kind = message::Part::Kind;
  part.kind = (bits & kMultipart) != 0 ? Kind::multipart : (bits & kMessage) != 0 ? Kind::message : Kind::leaf;
  part.is_message = (bits & kIsMessage) != 0;
  part.limit = (bits & kLimit) != 0;
  part.no_boundary = (bits & kNoBoundary) != 0;
  part.closed = (bits & kClosed) != 0;
  part.header_ended = (bits & kHeaderEnded) != 0;
  part.header_cut = (bits & kHeaderCut) != 0;
  part.type_given = (bits & kTypeGiven) != 0;
}

void read_fields(record::Part& in, message::Part& part) {
  if (!in.type().empty()) part.type.type = std::move(*in.mutable_type());
  if (!in.subtype().empty()) part.type.subtype = std::move(*in.mutable_subtype());
  part.type.parameters = read(*in.mutable_parameters());
  part.encoding_name = std::move(*in.mutable_encoding());
  part.encoding = message::parse_transfer_encoding(part.encoding_name);
  part.id = std::move(*in.mutable_id());
  part.description = std::move(*in.mutable_description());
  part.location = std::move(*in.mutable_location());
  part.md5 = std::move(*in.mutable_md5());
  if (in.has_disposition()) {
    part.disposition = {std::move(*in.mutable_disposition()->mutable_type()), read(*in.mutable_disposition()->mutable_parameters())};
  }
  for (auto& language : *in.mutable_languages()) part.languages.push_back(std::move(language));
}

// Takes the parts one after the other, and refuses those that would lead a reader out of the message or round in circles.
class StructureReader {
 public:
  StructureReader(std::uint64_t size, std::size_t envelopes) : size_(size), envelopes_(envelopes) {}

  bool take(record::Part& in) {
    auto& parts = structure.parts;
    const auto index = static_cast<std::uint32_t>(parts.size());
    auto& part = parts.emplace_back();
    if (index > 0 && !join(part, in.parent(), index)) return false;
    // each step checked on its own: the sums cannot wrap
    if (in.header_begin() > size_ - begin_) return false;
    part.header_begin = begin_ += in.header_begin();
    if (in.header_size() > size_ - part.header_begin) return false;
    part.body_begin = part.header_begin + in.header_size();
    if (in.body_size() > size_ - part.body_begin) return false;
    part.body_end = part.body_begin + in.body_size();
    part.header_lines = in.header_lines();
    part.body_lines = in.body_lines();
    read_bits(in.flags(), part);
    read_fields(in, part);
    if ((in.flags() & kHasEnvelope) == 0) return true;
    part.envelope = taken_++;
    return taken_ <= envelopes_;
  }

  message::Structure structure;

 private:
  bool join(message::Part& part, std::uint32_t parent, std::uint32_t index) {
    if (parent >= index || structure.parts[parent].depth >= message::kMaxMimeDepth) return false;
    if (structure.parts[parent].kind == message::Part::Kind::leaf) return false;
    part.parent = parent;
    part.depth = structure.parts[parent].depth + 1;
    structure.parts[parent].children.push_back(index);
    return true;
  }

  std::uint64_t size_;
  std::size_t envelopes_;
  std::uint64_t begin_ = 0;
  std::uint32_t taken_ = 0;
};

Result<message::Structure> read_structure(std::string_view bytes) {
  GODWIT_ASSIGN(auto in, parse<record::Structure>(bytes));
  const auto parts = static_cast<std::size_t>(in.parts_size());
  if (parts == 0 || parts > message::kMaxMimeParts) return damaged();
  StructureReader reader(in.size(), static_cast<std::size_t>(in.envelopes_size()));
  reader.structure.parts.reserve(parts);
  for (auto& part : *in.mutable_parts()) {
    if (!reader.take(part)) return damaged();
  }
  for (auto& part : reader.structure.parts) {
    if (part.kind == message::Part::Kind::message && part.children.size() != 1) return damaged();
  }
  for (auto& envelope : *in.mutable_envelopes()) reader.structure.envelopes.push_back(read(envelope));
  reader.structure.size = in.size();
  reader.structure.lines = in.lines();
  reader.structure.limited = in.limited();
  return std::move(reader.structure);
}

// The fields of a serialised record in their order (protobuf's encoding), without a copy: for who wants few of many.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  // False at the end, and where the bytes are damaged.
  bool next() {
    if (rest_.empty() || broken_) return false;
    const std::uint64_t tag = number();
    number_ = tag >> 3;
    value_ = {};
    switch (tag & 7) {
      case 0: varint_ = number(); break;
      case 1: skip(8); break;
      case 2: value_ = take(number()); break;
      case 5: skip(4); break;
      default: broken_ = true;
    }
    return !broken_;
  }
  std::uint64_t field() const { return number_; }
  std::uint64_t varint() const { return varint_; }
  std::string_view value() const { return value_; }
  bool broken() const { return broken_; }

 private:
  std::uint64_t number() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return out;
    }
    broken_ = true;
    return 0;
  }
  std::string_view take(std::uint64_t size) {
    broken_ = broken_ || size > rest_.size();
    if (broken_) return {};
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  void skip(std::uint64_t size) { ignore(take(size), "nobody asks for it"); }

  std::string_view rest_;
  std::uint64_t number_ = 0;
  std::uint64_t varint_ = 0;
  std::string_view value_;
  bool broken_ = false;
};

bool read_heading(std::string_view bytes, message::Envelope& out) {
  Fields fields(bytes);
  while (fields.next()) {
    if (fields.field() == record::Envelope::kDateFieldNumber) out.date = fields.value();
    if (fields.field() == record::Envelope::kSubjectFieldNumber) out.subject = fields.value();
    if (fields.field() == record::Envelope::kMessageIdFieldNumber) out.message_id = fields.value();
  }
  return !fields.broken();
}

std::unexpected<Error> other_release() {
  return fail(Error::permanent(Error::Cause::unsupported, "an email's details are of another release"));
}

// kHeading, with or without kReferences.
Result<Details> decode_few(std::string_view row, std::uint8_t want) {
  Details out;
  std::uint64_t version = 0;
  Fields fields(row);
  while (fields.next()) {
    if (fields.field() == record::Details::kVersionFieldNumber) version = fields.varint();
    if (fields.field() == record::Details::kEnvelopeFieldNumber && !read_heading(fields.value(), out.envelope)) return damaged();
    if (fields.field() == record::Details::kReferencesFieldNumber && (want & Details::kReferences) != 0)
      out.references.emplace_back(fields.value());
  }
  if (fields.broken()) return damaged();
  if (version != kVersion) return other_release();
  return out;
}

std::string encode_structure(const message::Structure& structure) {
  record::Structure out;
  std::uint64_t begin = 0;
  for (const auto& part : structure.parts) {
    write(part, begin, *out.add_parts());
    begin = part.header_begin;
  }
  for (const auto& envelope : structure.envelopes) write(envelope, *out.add_envelopes());
  out.set_size(structure.size);
  out.set_lines(structure.lines);
  out.set_limited(structure.limited);
  return out.SerializeAsString();
}

}  // namespace

std::string encode_details(const Details& details) {
  record::Details out;
  out.set_version(kVersion);
  record::Envelope envelope;
  write(details.envelope, envelope);
  out.set_envelope(envelope.SerializeAsString());
  out.set_structure(encode_structure(details.structure));
  out.set_preview(details.preview);
  for (const auto& reference : details.references) out.add_references(reference);
  return out.SerializeAsString();
}

Result<Details> decode_details(std::string_view row, std::uint8_t want) {
  if ((want & Details::kHeading) != 0 && (want & ~(Details::kHeading | Details::kReferences)) == 0) return decode_few(row, want);
  GODWIT_ASSIGN(auto in, parse<record::Details>(row));
  if (in.version() != kVersion) return other_release();
  Details out;
  if ((want & Details::kEnvelope) != 0) {
    GODWIT_ASSIGN(auto envelope, parse<record::Envelope>(in.envelope()));
    out.envelope = read(envelope);
  } else if ((want & Details::kHeading) != 0 && !read_heading(in.envelope(), out.envelope)) {
    return damaged();
  }
  if ((want & Details::kStructure) != 0) {
    GODWIT_ASSIGN(out.structure, read_structure(in.structure()));
  }
  if ((want & Details::kPreview) != 0) out.preview = std::move(*in.mutable_preview());
  if ((want & Details::kReferences) != 0) {
    for (auto& reference : *in.mutable_references()) out.references.push_back(std::move(reference));
  }
  return out;
}

}  // namespace godwit::mailbox
