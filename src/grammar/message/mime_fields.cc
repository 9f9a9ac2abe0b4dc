#include "grammar/message/mime_fields.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace godwit::message {
namespace {

struct Name {
  std::string_view text;
  Field field;
};

constexpr auto kNames = std::to_array<Name>({
    {"content-type", Field::content_type},
    {"content-transfer-encoding", Field::encoding},
    {"content-id", Field::id},
    {"content-description", Field::description},
    {"content-disposition", Field::disposition},
    {"content-language", Field::language},
    {"content-location", Field::location},
    {"content-md5", Field::md5},
    {"date", Field::date},
    {"subject", Field::subject},
    {"from", Field::from},
    {"sender", Field::sender},
    {"reply-to", Field::reply_to},
    {"to", Field::to},
    {"cc", Field::cc},
    {"bcc", Field::bcc},
    {"in-reply-to", Field::in_reply_to},
    {"message-id", Field::message_id},
});
static_assert(kNames.size() == kFieldCount);

bool is_wsp(char c) { return c == ' ' || c == '\t'; }
bool is_ftext(char c) { return c > ' ' && c < 127; }
bool is_address(Field field) { return field >= Field::from && field <= Field::bcc; }

std::optional<Field> find_field(std::string_view name) {
  for (const auto& known : kNames) {
    if (ascii_iequals(known.text, name)) return known.field;
  }
  return std::nullopt;
}

}  // namespace

void FieldCollector::begin(bool envelope) {
  for (auto& value : values_) {
    value.text.clear();
    value.present = false;
  }
  value_ = nullptr;
  in_field_ = cut_ = false;
  envelope_ = envelope;
  fields_ = bytes_ = 0;
}

void FieldCollector::begin_field(std::string_view name) {
  value_ = nullptr;
  in_field_ = true;
  const auto field = find_field(name);
  if (!field || (*field >= Field::date && !envelope_)) return;
  Value& value = values_[static_cast<std::size_t>(*field)];
  if (value.present && !is_address(*field)) return;
  max_ = is_address(*field) ? kMaxAddressField : kMaxField;
  value_ = &value;
  if (value.present && !value.text.empty()) keep(",");
  value.present = true;
}

void FieldCollector::keep(std::string_view text) {
  if (value_ == nullptr) return;
  const std::size_t room = max_ - value_->text.size();
  if (text.size() > room) cut_ = true;
  std::ranges::copy_if(text.substr(0, room), std::back_inserter(value_->text), [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
}

void FieldCollector::line(std::string_view line) {
  bytes_ += line.size();
  if (line.empty()) return;
  if (bytes_ > kMaxHeaderBytes || fields_ > kMaxHeaderFields) {
    cut_ = true;
    return;
  }
  if (is_wsp(line[0])) {
    if (in_field_) keep(line);
    return;
  }
  in_field_ = false;
  value_ = nullptr;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const auto name = trim(line.substr(0, colon));  // RFC 5322 4.5: white space before the colon
  if (name.empty() || !std::ranges::all_of(name, is_ftext)) return;
  if (++fields_ > kMaxHeaderFields) {
    cut_ = true;
    return;
  }
  begin_field(name);
  keep(line.substr(colon + 1));
}

void FieldCollector::end() {
  for (auto& value : values_) {
    if (!value.text.empty()) value.text = std::string(trim(value.text));
  }
}

}  // namespace godwit::message
