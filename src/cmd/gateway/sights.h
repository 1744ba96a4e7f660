#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "mask/detectors.h"
#include "policy/engine.h"
#include "session/sight.h"
#include "session/target.h"

namespace sallyport::cmd {

/// Finds the credential in plain, hexadecimal, base64 and percent encoding. nullptr: it is empty, or too short to be
/// told from other text.
std::shared_ptr<const mask::Detectors> detectors_of(const base::Secret& credential);

/// All detectors, compiled, when some mask asks for any; else nullptr. The compiled form is kept in `cache`, a
/// file, so that the next start need not make it again.
base::Result<std::shared_ptr<const mask::Detectors>> compile_detectors(const config::Config& config,
                                                                       const std::string& cache);

/// One core's Sights. One thread.
class Sights {
 public:
  explicit Sights(std::size_t masked_row) : masked_row_(masked_row) {}
  session::Sight of(const session::Target& target, const std::shared_ptr<const policy::Engine>& engine,
                    const std::shared_ptr<const mask::Detectors>& detectors);

 private:
  struct Known {
    std::shared_ptr<const policy::Engine> engine{};
    session::Sight sight{};
  };
  std::shared_ptr<mask::Scanner> scanner_of(const std::shared_ptr<const mask::Detectors>& detectors);

  const std::size_t masked_row_;
  mask::Scratch scratch_{};
  std::map<const session::Target*, Known> known_{};
  std::map<const mask::Detectors*, std::shared_ptr<mask::Scanner>> scanners_{};
};

}  // namespace sallyport::cmd
