#pragma once
// A client by hand, on its end of a connection in memory: it says bytes and gathers what comes back. One loop; copies are the same client.

#include <memory>
#include <string>
#include <utility>

#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::testing {

class MemoryClient {
 public:
  MemoryClient(TestLoop& loop, std::unique_ptr<net::Stream> stream) : loop_(loop), state_(std::make_shared<State>(std::move(stream))) {}

  // Starts to write all of it and lets the loop run; what the server does not take yet follows as it reads.
  void say(std::string bytes) const {
    loop_.start(write(state_, std::move(bytes)));
    loop_.poll();
  }
  // From now on everything is read as it comes.
  void read_all() const {
    loop_.start(read(state_));
    loop_.poll();
  }
  // Reads once.
  void read_some(std::size_t most) const { loop_.run(read_once(state_, most)); }
  void close() const { state_->stream->close(); }

  std::string received() const { return state_->received; }
  std::string take() const { return std::exchange(state_->received, {}); }
  bool ended() const { return state_->ended; }  // the server has closed

  // From now on through what `wrap` makes of the stream; nothing may be reading.
  template <class Wrap>
  void wrap(Wrap wrap) const {
    state_->stream = wrap(std::move(state_->stream));
  }

 private:
  struct State {
    explicit State(std::unique_ptr<net::Stream> end) : stream(std::move(end)) {}
    std::unique_ptr<net::Stream> stream;
    std::string received;
    bool ended = false;
  };
  static constexpr Duration kPatience = std::chrono::hours(24);

  static Task<> read_once(std::shared_ptr<State> state, std::size_t most) {
    std::string buffer(most, '\0');
    const auto got = co_await state->stream->read(buffer, kPatience);
    if (got) state->received.append(buffer, 0, *got);
    state->ended = !got || *got == 0;
  }
  static Task<> read(std::shared_ptr<State> state) {
    while (!state->ended) co_await read_once(state, 65'536);
  }
  static Task<> write(std::shared_ptr<State> state, std::string bytes) {
    ignore(co_await state->stream->write(bytes, kPatience), "the server may have closed");
  }

  TestLoop& loop_;
  std::shared_ptr<State> state_;
};

}  // namespace godwit::testing
