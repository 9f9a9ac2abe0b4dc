// Replies of servers: no crash; what is parsed can go on the wire and comes back with the same code.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/smtp/extension.h"
#include "grammar/smtp/reply.h"

using namespace godwit;

namespace {

bool feed(smtp::ReplyParser& parser, std::string_view text, smtp::Reply& reply) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto complete = parser.add_line(line);
    if (!complete) return false;
    if (*complete) {
      reply = parser.take();
      return true;
    }
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smtp::ReplyParser parser;
  smtp::Reply reply;
  if (!feed(parser, {reinterpret_cast<const char*>(data), size}, reply)) return 0;
  const auto extensions = smtp::parse_extensions(reply);
  if (extensions.auth.size() > 32) std::abort();
  std::string wire;
  smtp::append_wire(wire, reply);
  smtp::ReplyParser second;
  smtp::Reply again;
  std::size_t lines = 0;
  for (const char c : wire) lines += c == '\n';
  if (lines > 100) return 0;  // long lines were wrapped into more than a parser takes
  if (!feed(second, wire, again) || again.code != reply.code || again.enhanced != reply.enhanced) std::abort();
  return 0;
}
