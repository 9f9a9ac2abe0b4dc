#pragma once
// A client's end of a connection, and what all of a run share. For the model test alone.

#include <memory>
#include <string>
#include <vector>

#include "frontend/imapd/model/response_fixture.h"
#include "frontend/imapd/model/server_fixture.h"

namespace godwit::imapd::model {

// What all of a run share.
struct Run {
  Server& server;
  std::uint64_t now = 0;     // grows with whatever happens
  bool writes_down = false;  // a transcript is wanted
  std::vector<std::string> transcript{};
  std::string trouble{};  // the first thing that was wrong

  void note(int client, std::string_view arrow, std::string_view text) {
    if (writes_down) transcript.push_back(std::to_string(client) + std::string(arrow) + std::string(text));
  }
  void complain(int client, const std::string& what) {
    if (what.empty() || !trouble.empty()) return;
    trouble = (client == 0 ? std::string() : "client " + std::to_string(client) + ": ") + what;
    if (writes_down) transcript.push_back("!! " + trouble);
  }
};

// Closed when it is destroyed, whatever is on its way.
class Connection {
 public:
  explicit Connection(Server& server) : loop_(server.loop()), end_(std::make_shared<End>()) {
    end_->stream = server.connect();
    loop_.start(collect(end_));
  }
  ~Connection() { end_->stream->close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::string bytes) { loop_.start(send_bytes(end_, std::move(bytes))); }
  // One whole response, if it has come.
  std::optional<std::string> take() { return take_response(end_->received); }
  bool has_ended() const { return end_->ended; }

 private:
  struct End {
    std::unique_ptr<net::Stream> stream;
    std::string received;
    bool ended = false;
  };
  static Task<> collect(std::shared_ptr<End> end) {
    std::string buffer(4'096, '\0');
    for (;;) {
      const auto got = co_await end->stream->read(buffer, std::chrono::days(3'650));
      if (!got || *got == 0) break;
      end->received.append(buffer, 0, *got);
    }
    end->ended = true;
  }
  static Task<> send_bytes(std::shared_ptr<End> end, std::string bytes) {
    ignore(co_await end->stream->write(bytes, std::chrono::days(3'650)), "the server may have closed: has_ended() says so");
  }

  testing::TestLoop& loop_;
  std::shared_ptr<End> end_;
};

}  // namespace godwit::imapd::model
