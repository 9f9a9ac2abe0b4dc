#include "testing/transcript.h"

#include <fmt/format.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "base/units.h"

namespace godwit::testing {
namespace {

using Kind = TranscriptStep::Kind;
constexpr Duration kForever = std::chrono::days(3'650);

Result<void> broken(std::size_t line, std::string_view what) {
  return fail(Error::permanent(Error::Cause::conflict, fmt::format("line {}: {}", line, what)));
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out;
}

}  // namespace

TranscriptRunner::~TranscriptRunner() { drop_connections(); }

Task<> TranscriptRunner::collect(std::shared_ptr<Connection> connection) {
  std::string buffer(4'096, '\0');
  for (;;) {
    const auto got = co_await connection->stream->read(buffer, kForever);
    if (!got || *got == 0) break;
    connection->received.append(buffer, 0, *got);
  }
  connection->ended = true;
}

Task<> TranscriptRunner::send(std::shared_ptr<Connection> connection, std::string bytes) {
  ignore(co_await connection->stream->write(bytes, kForever), "a server may have closed: the next expectation says so");
}

std::shared_ptr<TranscriptRunner::Connection> TranscriptRunner::connection() {
  auto& slot = connections_[current_];
  if (slot) return slot;
  auto [server, client] = make_memory_streams(world_.loop().clock(), options_);
  slot = std::make_shared<Connection>();
  slot->stream = std::move(client);
  world_.loop().start(collect(slot));
  world_.serve(std::move(server));
  world_.loop().poll();
  return slot;
}

const std::map<std::string, TranscriptRunner::Own>& TranscriptRunner::own_directives() {
  static const std::map<std::string, Own> table = {
      {"connection", &TranscriptRunner::do_connection},
      {"advance", &TranscriptRunner::do_advance},
      {"close", &TranscriptRunner::do_close},
      {"closed", &TranscriptRunner::do_closed},
      {"open", &TranscriptRunner::do_open},
      {"silent", &TranscriptRunner::do_silent},
      {"segments", &TranscriptRunner::do_segments},
      {"peer", &TranscriptRunner::do_peer},
      {"crash", &TranscriptRunner::do_crash},
  };
  return table;
}

Result<void> TranscriptRunner::play(const TranscriptStep& step) {
  switch (step.kind) {
    case Kind::send:
      world_.loop().start(send(connection(), step.text));
      world_.loop().poll();
      return {};
    case Kind::expect:
    case Kind::expect_pattern: return expect_line(step);
    case Kind::directive: break;
  }
  const auto own = own_directives().find(step.arguments[0]);
  if (own != own_directives().end()) return (this->*own->second)(step);
  auto done = world_.directive(step);
  if (!done) return broken(step.line, fmt::format("!{}: {}", step.text, done.error().text));
  world_.loop().poll();
  return {};
}

Result<void> TranscriptRunner::expect_line(const TranscriptStep& step) {
  const auto from = connection();
  const std::size_t end = from->received.find("\r\n");
  if (end == std::string::npos) {
    const std::string rest = from->received.empty() ? (from->ended ? "the end of the connection" : "nothing") : printable(from->received);
    return broken(step.line, fmt::format("expected \"{}\", got {}", step.text, rest));
  }
  const std::string line = from->received.substr(0, end);
  const bool matches = step.kind == Kind::expect ? line == step.text : std::regex_match(line, std::regex(step.text));
  if (!matches) return broken(step.line, fmt::format("expected \"{}\", got \"{}\"", step.text, printable(line)));
  from->received.erase(0, end + 2);
  return {};
}

Result<void> TranscriptRunner::do_connection(const TranscriptStep& step) {
  if (step.arguments.size() != 2) return broken(step.line, "!connection NAME");
  current_ = step.arguments[1];
  ignore(connection(), "opened");
  return {};
}

Result<void> TranscriptRunner::do_advance(const TranscriptStep& step) {
  if (step.arguments.size() != 2) return broken(step.line, "!advance DURATION");
  auto duration = parse_duration(step.arguments[1]);
  if (!duration) return broken(step.line, duration.error().text);
  world_.loop().advance(*duration);
  return {};
}

Result<void> TranscriptRunner::do_close(const TranscriptStep& step) {
  const auto open = connection();
  if (!open->received.empty()) return broken(step.line, "before !close there is unread: " + printable(open->received));
  open->stream->close();
  world_.loop().poll();
  connections_.erase(current_);
  return {};
}

Result<void> TranscriptRunner::do_closed(const TranscriptStep& step) {
  const auto open = connection();
  if (!open->received.empty()) return broken(step.line, "expected the end of the connection, got " + printable(open->received));
  if (!open->ended) return broken(step.line, "the server has not closed the connection");
  open->stream->close();
  world_.loop().poll();
  connections_.erase(current_);
  return {};
}

Result<void> TranscriptRunner::do_open(const TranscriptStep& step) {
  if (connection()->ended) return broken(step.line, "the server has closed the connection");
  return {};
}

Result<void> TranscriptRunner::do_silent(const TranscriptStep& step) {
  const auto open = connection();
  if (!open->received.empty()) return broken(step.line, "expected silence, got " + printable(open->received));
  return {};
}

Result<void> TranscriptRunner::do_segments(const TranscriptStep& step) {
  if (step.arguments.size() != 2) return broken(step.line, "!segments BYTES");
  options_.segment = std::stoul(step.arguments[1]);
  return {};
}

Result<void> TranscriptRunner::do_peer(const TranscriptStep& step) {
  if (step.arguments.size() != 2) return broken(step.line, "!peer IP");
  auto address = parse_ip(step.arguments[1]);
  if (!address) return broken(step.line, address.error().text);
  options_.client.address = *address;
  return {};
}

Result<void> TranscriptRunner::do_crash(const TranscriptStep& step) {
  world_.crash();
  drop_connections();
  auto done = world_.restart();
  if (!done) return broken(step.line, "restart: " + done.error().text);
  return {};
}

void TranscriptRunner::drop_connections() {
  for (auto& [name, open] : connections_) open->stream->close();
  connections_.clear();
  world_.loop().advance(std::chrono::minutes(5));  // what sleeps (the delay after a wrong password) wakes and sees it
}

Result<void> TranscriptRunner::nothing_left() {
  for (const auto& [name, open] : connections_) {
    if (open->received.empty()) continue;
    return fail(Error::permanent(Error::Cause::conflict, "at the end there is unread: " + printable(open->received)));
  }
  return {};
}

Result<void> TranscriptRunner::run(const std::vector<TranscriptStep>& steps) {
  for (const auto& step : steps) GODWIT_TRY(play(step));
  return nothing_left();
}

Result<void> run_transcript_file(const std::string& path, TranscriptWorld& world) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Error::permanent(Error::Cause::io, "cannot read " + path));
  std::stringstream text;
  text << file.rdbuf();
  GODWIT_ASSIGN(const auto steps, parse_transcript(text.str()));
  TranscriptRunner runner(world);
  return runner.run(steps);
}

}  // namespace godwit::testing
