#include "state/queue/card_reader.h"

#include <array>
#include <optional>

#include "state/queue/record.h"

namespace godwit::queue {
namespace {

std::unexpected<Error> corrupt() { return fail(Error::permanent(Error::Cause::corrupt, "a queue row that does not parse")); }

// Fields of a protobuf message, one after the other.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  struct Field {
    std::uint32_t number = 0;
    std::uint64_t value = 0;  // of a number
    std::string_view bytes;   // of a text or a message
  };
  // Nothing: the end, or what does not parse (ok() tells).
  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const auto tag = varint();
    if (!tag || *tag >> 3 > UINT32_MAX) return broken();
    Field field{static_cast<std::uint32_t>(*tag >> 3), 0, {}};
    switch (*tag & 7) {
      case 0: {
        const auto value = varint();
        if (!value) return broken();
        field.value = *value;
        return field;
      }
      case 1: return skip(8, field);
      case 2: {
        const auto length = varint();
        if (!length) return broken();
        return skip(*length, field);
      }
      case 5: return skip(4, field);
      default: return broken();
    }
  }
  bool ok() const { return ok_; }

 private:
  std::optional<Field> broken() {
    ok_ = false;
    rest_ = {};
    return std::nullopt;
  }
  std::optional<Field> skip(std::uint64_t length, Field field) {
    if (length > rest_.size()) return broken();
    field.bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return field;
  }
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view rest_;
  bool ok_ = true;
};

Result<std::string_view> content(std::string_view value) {
  if (value.empty() || value[0] != '\1') return corrupt();  // on disk: do not change (docs/formats/queue.md)
  return value.substr(1);
}

}  // namespace

// Numbers are those of record.proto.
Result<void> CardReader::record(MessageId id, std::string_view value, bool fresh) {
  text_ = {};
  text_.id = id;
  text_.fresh = fresh;
  recipients_ = seen_ = 0;
  body_ = 0;
  blob_ = {};
  GODWIT_ASSIGN(const std::string_view bytes, content(value));
  std::string_view local;
  std::string_view domain;
  std::string_view identity;
  bool has_reverse_path = false;
  std::int64_t due = 0;
  Fields fields(bytes);
  while (const auto field = fields.next()) {
    switch (field->number) {
      case 1: has_reverse_path = field->value != 0; break;
      case 2: local = field->bytes; break;
      case 3: domain = field->bytes; break;
      case 4: recipients_ = static_cast<std::uint32_t>(field->value); break;
      case 5: {
        GODWIT_TRY(recipient(field->bytes));
        break;
      }
      case 10: text_.tenant = field->bytes; break;
      case 11: text_.priority = static_cast<std::uint8_t>(field->value); break;
      case 12: identity = field->bytes; break;
      case 15: text_.size += field->bytes.size(); break;
      case 16: blob_ = field->bytes; break;
      case 17: body_ = field->value; break;
      case 19: text_.held = field->value != 0; break;
      case 23: due = static_cast<std::int64_t>(field->value); break;
      default: break;
    }
  }
  if (!fields.ok()) return corrupt();
  text_.size += body_;
  from_.clear();
  if (has_reverse_path) {
    GODWIT_ASSIGN(const auto part, smtp::make_local_part(std::string(local)));
    from_ = part.quoted();
    from_ += '@';
    from_ += domain;
  }
  text_.from = from_;
  text_.sender = identity.empty() ? std::string_view(from_) : identity;
  text_.due = text_.held ? kNever : fresh ? WallTime() : WallTime(std::chrono::milliseconds(due));
  if (wants_pages()) keep_own();
  return {};
}

void CardReader::keep_own() {
  const std::array<std::string_view*, 5> texts{&text_.tenant, &text_.sender, &text_.from, &text_.domain, &text_.reason};
  std::string own;
  for (const std::string_view* text : texts) own += *text;
  own_ = std::move(own);
  std::size_t at = 0;
  for (std::string_view* text : texts) {
    *text = std::string_view(own_).substr(at, text->size());
    at += text->size();
  }
}

// Damaged or not: nothing may point into the page's row afterwards.
Result<void> CardReader::page(std::string_view value) {
  auto read = recipients_of(value);
  keep_own();
  return read;
}

Result<void> CardReader::recipients_of(std::string_view value) {
  GODWIT_ASSIGN(const std::string_view bytes, content(value));
  Fields fields(bytes);
  while (const auto field = fields.next()) {
    if (field->number != 1) continue;
    GODWIT_TRY(recipient(field->bytes));
  }
  if (!fields.ok()) return corrupt();
  return {};
}

Result<void> CardReader::recipient(std::string_view value) {
  ++seen_;
  std::string_view domain;
  std::string_view last;
  std::uint64_t state = 0;
  Fields fields(value);
  while (const auto field = fields.next()) {
    switch (field->number) {
      case 2: domain = field->bytes; break;
      case 6: state = field->value; break;
      case 9: last = field->bytes; break;
      default: break;
    }
  }
  if (!fields.ok()) return corrupt();
  if (state != 0) return {};
  if (++text_.pending > 1) {
    text_.several = text_.several || domain != text_.domain;
    return {};
  }
  text_.domain = domain;
  return outcome(last);
}

Result<void> CardReader::outcome(std::string_view value) {
  bool site_down = false;
  Fields fields(value);
  while (const auto field = fields.next()) {
    if (field->number == 6) site_down = field->value != 0;
    if (field->number == 7) text_.reason = field->bytes;
  }
  if (!fields.ok()) return corrupt();
  if (text_.reason.empty() && site_down) text_.reason = kSiteDown;
  return {};
}

}  // namespace godwit::queue
