#include "service/events/json.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace godwit::events {
namespace {

struct Name {
  Text text;
  std::string_view json;
};
constexpr Name kNames[] = {
    {Text::message_id, "message_id"}, {Text::tenant, "tenant"}, {Text::account, "account"}, {Text::recipient, "recipient"},
    {Text::original, "original"},     {Text::site, "site"},     {Text::source, "source"},   {Text::remote, "remote"},
    {Text::status, "status"},         {Text::reply, "reply"},   {Text::reason, "reason"},   {Text::reply_class, "class"},
    {Text::client, "client"},         {Text::tls, "tls"},       {Text::session, "session"}, {Text::alert, "alert"},
};

void member(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_text(out, text);
}

void member(std::string& out, std::string_view name, std::uint64_t number) {
  fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, number);
}

// "550" of "550 5.1.1 No such user".
std::uint64_t code_of(std::string_view reply) {
  std::uint64_t code = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i >= reply.size() || reply[i] < '0' || reply[i] > '9') return 0;
    code = code * 10 + static_cast<std::uint64_t>(reply[i] - '0');
  }
  return code;
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

std::string format_time(WallTime time) {
  std::string text = format_rfc3339(time);
  const auto part = time.time_since_epoch().count() % 1'000;
  text.insert(text.size() - 1, fmt::format(".{:03}", part < 0 ? part + 1'000 : part));
  return text;
}

void append_json(std::string& out, const Event& event) {
  fmt::format_to(std::back_inserter(out), R"({{"id":"{}","type":"{}","time":"{}")", event.id.text(), to_string(event.type),
                 format_time(event.time));
  if (event.message.value != 0) {
    member(out, "message", event.message.text());
    member(out, "sender", event[Text::sender]);
  }
  for (const Name& name : kNames)
    if (!event[name.text].empty()) member(out, name.json, event[name.text]);
  if (const std::uint64_t code = code_of(event[Text::reply])) member(out, "code", code);
  if (event.attempt > 0) member(out, "attempt", event.attempt);
  if (event.next_attempt != WallTime{}) member(out, "next_attempt", format_time(event.next_attempt));
  if (event.size > 0) member(out, "size", event.size);
  if (event.recipient_count > 0) {
    member(out, "recipient_count", event.recipient_count);
    out += ",\"recipients\":[";
    for (std::size_t i = 0; i < event.recipients.size(); ++i) {
      if (i > 0) out += ',';
      append_json_text(out, event.recipients[i]);
    }
    out += ']';
  }
  out += '}';
}

}  // namespace godwit::events
