#pragma once
// The msg-ids that tie a message to its thread (RFC 5322 3.6.4, RFC 8474 5.2), found while the message streams by. Memory: kMaxHeader
// bytes. Owned by one caller; the pieces may be cut anywhere.

#include <string>
#include <string_view>
#include <vector>

namespace godwit::message {

class ThreadIdReader {
 public:
  static constexpr std::size_t kMaxHeader = 64 * 1024;  // what lies beyond is not looked at

  void feed(std::string_view bytes);
  bool done() const { return done_; }         // the header has ended: feed() does nothing any more
  static constexpr std::size_t kMaxIds = 21;  // the own one and the last twenty others

  // That of Message-ID first ("" if there is none), then those of References and In-Reply-To in their order, each once.
  std::vector<std::string> finish();

 private:
  std::string header_;
  bool done_ = false;
};

std::vector<std::string> thread_ids(std::string_view header);

}  // namespace godwit::message
