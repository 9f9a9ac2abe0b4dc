#include "testing/fake_smtp_server.h"

#include <utility>

#include "testing/memory_stream.h"

namespace godwit::testing {
namespace {

constexpr Duration kPatience = std::chrono::hours(2);

}  // namespace

struct FakeSmtpServer::Session {
  std::unique_ptr<net::Stream> stream;
  std::size_t dialogue = 0;
  std::string buffer;
  std::string from;
  std::vector<std::string> to;
  bool mute = false;
};

Task<bool> FakeSmtpServer::fill(Session& session) {
  char bytes[4096];
  const auto count = co_await session.stream->read(bytes, kPatience);
  if (!count || *count == 0) co_return false;
  dialogues[session.dialogue].acknowledged = peer_acknowledgements(*session.stream);
  dialogues[session.dialogue].reads.emplace_back(bytes, *count);
  session.buffer.append(bytes, *count);
  co_return true;
}

// false: the dialogue is over.
Task<bool> FakeSmtpServer::say(Session& session, std::string text) {
  if (text.empty()) session.mute = true;
  if (session.mute) co_return true;
  const bool close = text.ends_with("!close");
  if (close) text.resize(text.size() - 6);
  const std::size_t step = byte_by_byte ? 1 : text.size();
  for (std::size_t i = 0; i < text.size(); i += step) {
    const auto written = co_await session.stream->write(std::string_view(text).substr(i, step), kPatience);
    if (!written) co_return false;
    if (byte_by_byte) co_await yield_loop();
  }
  if (reply_by_reply) co_await yield_loop();
  co_return !close;
}

std::string FakeSmtpServer::usual_reply(Session& session, const std::string& line) {
  if (line.starts_with(lmtp ? "LHLO" : "EHLO")) {
    std::string reply = "250-mx.peer.test\r\n";
    for (const std::string& extension : extensions) reply += "250-" + extension + "\r\n";
    return reply + "250 HELP\r\n";
  }
  if (line.starts_with("HELO") && !lmtp) return "250 mx.peer.test\r\n";
  if (line.starts_with("MAIL FROM:")) return session.from.empty() ? "250 2.1.0 Ok\r\n" : "503 5.5.1 Nested MAIL\r\n";
  if (line.starts_with("RCPT TO:")) return session.from.empty() ? "503 5.5.1 MAIL first\r\n" : "250 2.1.5 Ok\r\n";
  if (line == "DATA") return session.to.empty() ? "554 5.5.1 No valid recipients\r\n" : "354 Go ahead\r\n";
  if (line == "." || line == "RSET" || line == "NOOP") return "250 2.0.0 Ok\r\n";
  if (line == "QUIT") return "221 2.0.0 Bye\r\n!close";
  return "500 5.5.2 What?\r\n";
}

Task<bool> FakeSmtpServer::handle(Session& session, std::string line) {
  dialogues[session.dialogue].commands.push_back(line);
  std::optional<std::string> reply;
  if (on_command) reply = on_command(line, session.dialogue);
  if (!reply) reply = usual_reply(session, line);
  if (line.starts_with("MAIL FROM:") && reply->starts_with('2')) session.from = line.substr(10);
  if (line.starts_with("RCPT TO:") && reply->starts_with('2')) session.to.push_back(line.substr(8));
  if (line == "RSET") {
    session.from.clear();
    session.to.clear();
  }
  const bool data = line == "DATA" && reply->starts_with("354");
  if (!co_await say(session, *std::move(reply))) co_return false;
  if (data) co_return co_await read_body(session);
  co_return true;
}

Task<bool> FakeSmtpServer::read_body(Session& session) {
  std::string body;
  std::string line;
  while (line != ".") {
    for (auto end = session.buffer.find("\r\n"); end == std::string::npos; end = session.buffer.find("\r\n")) {
      if (interrupt_body && body.size() + session.buffer.size() >= interrupt_body->first) {
        if (!interrupt_body->second.empty()) co_await say(session, interrupt_body->second);
        co_return false;
      }
      if (!co_await fill(session)) co_return false;
    }
    const auto end = session.buffer.find("\r\n");
    line = session.buffer.substr(0, end);
    session.buffer.erase(0, end + 2);
    if (line != ".") body += (line.starts_with('.') ? line.substr(1) : line) + "\r\n";
    if (interrupt_body && body.size() >= interrupt_body->first) {
      if (!interrupt_body->second.empty()) co_await say(session, interrupt_body->second);
      co_return false;
    }
  }
  dialogues[session.dialogue].commands.push_back(".");
  if (before_final_reply) co_await before_final_reply();
  std::optional<std::string> reply;
  if (on_command) reply = on_command(".", session.dialogue);
  if (!reply) {
    reply = "";
    for (std::size_t i = 0; i < (lmtp ? session.to.size() : 1); ++i) *reply += usual_reply(session, ".");
  }
  if (reply->starts_with('2')) messages.push_back({session.from, session.to, std::move(body)});
  session.from.clear();
  session.to.clear();
  co_return co_await say(session, *std::move(reply));
}

Task<> FakeSmtpServer::serve(std::unique_ptr<net::Stream> stream) {
  Session session;
  session.stream = std::move(stream);
  session.dialogue = dialogues.size();
  dialogues.emplace_back();
  std::string hello = greeting;
  bool going = co_await say(session, std::move(hello));
  while (going) {
    const auto end = session.buffer.find("\r\n");
    if (end == std::string::npos) {
      going = co_await fill(session);
      continue;
    }
    std::string line = session.buffer.substr(0, end);
    session.buffer.erase(0, end + 2);
    going = co_await handle(session, std::move(line));
  }
  session.stream->close();
  dialogues[session.dialogue].ended = true;
}

Task<Result<std::unique_ptr<net::Stream>>> FakeNetwork::dial(Endpoint to, Duration timeout, net::Cancellation* cancel) {
  ++dials;
  dialed.push_back(to);
  auto executor = co_await this_executor();
  const auto found = servers_.find(to);
  if (found == servers_.end()) co_return fail(Error::temporary(Error::Cause::closed, "connection refused"));
  if (found->second == nullptr) {
    const auto timer = clock_.make_timer(executor);
    const net::Cancellation::Armed armed(cancel, [&timer] { timer->wake(); });
    if (co_await timer->wait_until(clock_.steady() + timeout)) co_return fail(Error::temporary(Error::Cause::timed_out, "timed out"));
    co_return fail(Error::temporary(Error::Cause::cancelled, "cancelled"));
  }
  MemoryStreamOptions options;
  options.server = to;
  auto streams = make_memory_streams(clock_, options);
  net::spawn(executor, tasks_, "fake smtp server", found->second->serve(std::move(streams.first)));
  co_return std::move(streams.second);
}

}  // namespace godwit::testing
