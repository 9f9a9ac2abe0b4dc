#pragma once
// Dialogues as test cases: a text file with the lines of an RFC example, played against a session in memory.
//
// The format is described in tests/transcripts/README.md. The runner plays the client on memory streams; what it talks to (which
// protocol, which store behind it) is a TranscriptWorld. One loop, a manual clock: no port, no sleep.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/net/stream.h"
#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::testing {

struct TranscriptStep {
  enum class Kind : std::uint8_t { send, expect, expect_pattern, directive };
  Kind kind = Kind::send;
  std::size_t line = 0;                // in the file, from 1
  std::string text;                    // send: the bytes; expect: the line without CRLF, or the regular expression
  std::vector<std::string> arguments;  // directive: its words, [0] is the name
  std::string body;                    // directive: the B lines under it, each with CRLF
};

// Errors name the line.
Result<std::vector<TranscriptStep>> parse_transcript(std::string_view text);

// What a transcript runs against.
class TranscriptWorld {
 public:
  virtual ~TranscriptWorld() = default;
  virtual TestLoop& loop() = 0;
  // Starts a session on the server's end of a new connection.
  virtual void serve(std::unique_ptr<net::Stream> server_end) = 0;
  // Every directive that is not the runner's own. Errors fail the transcript.
  virtual Result<void> directive(const TranscriptStep& step) = 0;
  // !crash: the power goes; then, when all sessions have noticed, it comes back.
  virtual void crash() = 0;
  virtual Result<void> restart() = 0;
};

// Plays one transcript. The error says which line did not hold and what came instead.
class TranscriptRunner {
 public:
  explicit TranscriptRunner(TranscriptWorld& world) : world_(world) {}
  ~TranscriptRunner();

  Result<void> run(const std::vector<TranscriptStep>& steps);

 private:
  struct Connection {
    std::unique_ptr<net::Stream> stream;  // the client's end
    std::string received;
    bool ended = false;  // the server closed
  };
  using Own = Result<void> (TranscriptRunner::*)(const TranscriptStep&);

  static Task<> collect(std::shared_ptr<Connection> connection);
  static Task<> send(std::shared_ptr<Connection> connection, std::string bytes);
  static const std::map<std::string, Own>& own_directives();

  std::shared_ptr<Connection> connection();
  Result<void> play(const TranscriptStep& step);
  Result<void> expect_line(const TranscriptStep& step);
  Result<void> do_connection(const TranscriptStep& step);
  Result<void> do_advance(const TranscriptStep& step);
  Result<void> do_close(const TranscriptStep& step);
  Result<void> do_closed(const TranscriptStep& step);
  Result<void> do_open(const TranscriptStep& step);
  Result<void> do_silent(const TranscriptStep& step);
  Result<void> do_segments(const TranscriptStep& step);
  Result<void> do_peer(const TranscriptStep& step);
  Result<void> do_crash(const TranscriptStep& step);
  Result<void> nothing_left();
  void drop_connections();

  TranscriptWorld& world_;
  MemoryStreamOptions options_;
  std::string current_ = "1";
  std::map<std::string, std::shared_ptr<Connection>> connections_;
};

// Reads, parses and plays a file.
Result<void> run_transcript_file(const std::string& path, TranscriptWorld& world);

}  // namespace godwit::testing
