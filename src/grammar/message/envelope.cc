#include "grammar/message/envelope.h"

#include <algorithm>

#include "grammar/message/address_splitter.h"
#include "grammar/message/mime_fields.h"

namespace godwit::message {
namespace {

std::optional<std::string> text_of(const FieldCollector& fields, Field field) {
  const auto& value = fields[field];
  if (!value.present) return std::nullopt;
  return value.text;
}

// From "<" to ">", white space and comments left out, quoted strings unquoted. Empty if it never closes: `position` is at the end then.
std::string take_message_id(std::string_view text, std::size_t& position) {
  std::string out;
  std::size_t depth = 0;
  bool quoted = false;
  for (++position; position < text.size(); ++position) {
    const char c = text[position];
    if (c == '<' && !quoted && depth == 0) return {};  // the one before was not closed
    if (c == '\\' && (quoted || depth > 0) && position + 1 < text.size()) {
      ++position;
      if (depth == 0) out.push_back(text[position]);
      continue;
    }
    if (depth > 0) {
      if (c == '(') ++depth;
      if (c == ')') --depth;
      continue;
    }
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      out.push_back(c);
    } else if (c == '(') {
      ++depth;
    } else if (c == '>') {
      ++position;
      return out;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      out.push_back(c);
    }
  }
  return {};
}

}  // namespace

Envelope make_envelope(const FieldCollector& fields) {
  const auto addresses = [&](Field field) { return parse_envelope_addresses(fields[field].text); };
  Envelope out;
  out.date = text_of(fields, Field::date);
  out.subject = text_of(fields, Field::subject);
  out.from = addresses(Field::from);
  out.sender = addresses(Field::sender);
  out.reply_to = addresses(Field::reply_to);
  out.to = addresses(Field::to);
  out.cc = addresses(Field::cc);
  out.bcc = addresses(Field::bcc);
  out.in_reply_to = text_of(fields, Field::in_reply_to);
  out.message_id = text_of(fields, Field::message_id);
  return out;
}

Envelope parse_envelope(std::string_view header) {
  FieldCollector fields;
  fields.begin(true);
  while (!header.empty()) {
    const auto newline = header.find('\n');
    auto line = header.substr(0, newline);
    header = newline == std::string_view::npos ? std::string_view() : header.substr(newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    fields.line(line);
  }
  fields.end();
  return make_envelope(fields);
}

std::vector<EnvelopeAddress> parse_envelope_addresses(std::string_view value) {
  std::string text;
  std::ranges::copy_if(value.substr(0, kMaxEnvelopeText), std::back_inserter(text),
                       [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
  return AddressSplitter(text).run();
}

std::vector<std::string> parse_message_ids(std::string_view value) {
  std::vector<std::string> out;
  std::size_t position = value.find('<');
  while (position < value.size() && out.size() < kMaxMessageIds) {
    std::string id = take_message_id(value, position);
    if (!id.empty()) out.push_back(std::move(id));
    position = value.find('<', position);
  }
  return out;
}

}  // namespace godwit::message
