#pragma once
// An SMTP server with behaviour, for tests of the client: it speaks the protocol, keeps what it was given, and misbehaves where
// the test says so. FakeNetwork is the Dialer that leads to such servers. One loop; serves on the dialling coroutine's loop.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"

namespace godwit::testing {

class FakeSmtpServer {
 public:
  struct Received {
    std::string from;             // "<anna@example.org> SIZE=12", as behind MAIL FROM:
    std::vector<std::string> to;  // of the accepted RCPTs
    std::string body;             // dots undone
  };
  struct Dialogue {
    std::vector<std::string> commands;  // lines without CRLF; the end of a body is "."
    std::vector<std::string> reads;     // what came with each read: shows what was pipelined
    std::size_t acknowledged = 0;       // so often the client asked for an acknowledgement at once, up to its last bytes
    bool ended = false;
  };

  std::string greeting = "220 mx.peer.test ESMTP\r\n";
  std::vector<std::string> extensions = {"PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"};
  // What to answer in place of the usual, with CRLF; nullopt = the usual, "" = say nothing any more. A "!close" at the end closes the
  // connection after that. `dialogue` counts from 0. The end of a body is asked as ".".
  std::function<std::optional<std::string>(const std::string& command, std::size_t dialogue)> on_command;
  // Bytes of a body after which the server speaks and closes: {bytes, what}.
  std::optional<std::pair<std::size_t, std::string>> interrupt_body;
  std::function<Task<>()> before_final_reply;  // a sleep
  bool lmtp = false;                           // LHLO, and a final reply for each recipient (RFC 2033)
  bool byte_by_byte = false;                   // replies trickle
  bool reply_by_reply = false;                 // the client sees each reply alone, also of a pipelined group

  std::vector<Received> messages;  // in the order of their final dots, taken with 2yz
  std::vector<Dialogue> dialogues;

  // One connection; the server outlives it.
  Task<> serve(std::unique_ptr<net::Stream> stream);

 private:
  struct Session;
  Task<bool> say(Session& session, std::string text);
  Task<bool> handle(Session& session, std::string line);
  Task<bool> read_body(Session& session);
  Task<bool> fill(Session& session);
  std::string usual_reply(Session& session, const std::string& line);
};

class FakeNetwork final : public net::Dialer {
 public:
  FakeNetwork(Clock& clock, net::TaskGroup& tasks) : clock_(clock), tasks_(tasks) {}

  void listen(Endpoint at, FakeSmtpServer& server) { servers_[at] = &server; }
  void refuse(Endpoint at) { servers_.erase(at); }          // connection refused, as at every endpoint that nobody listens on
  void black_hole(Endpoint at) { servers_[at] = nullptr; }  // packets vanish: the dial times out
  std::size_t dials = 0;
  std::vector<Endpoint> dialed;  // in order

  Task<Result<std::unique_ptr<net::Stream>>> dial(Endpoint to, Duration timeout, net::Cancellation* cancel) override;

 private:
  Clock& clock_;
  net::TaskGroup& tasks_;
  std::map<Endpoint, FakeSmtpServer*> servers_;
};

}  // namespace godwit::testing
