"""The options of the image service."""

from __future__ import annotations

import dataclasses

from ...core.config import option


@dataclasses.dataclass(frozen=True)
class ImageOptions:
    """Options of ``[image]``."""

    store: str = option("file", "image store driver that keeps the data of images")
    require_format_match: bool = option(True, "refuse data whose format is not the image's disk_format")
    size_cap_mib: int = option(1 << 20, "largest data of one image in MiB")
    project_quota_mib: int = option(0, "data of all images of one project in MiB; 0 = no limit")
    project_quota_images: int = option(0, "images of one project; 0 = no limit")
    property_quota: int = option(128, "properties of one image")
    tag_quota: int = option(128, "tags of one image")
    member_quota: int = option(128, "members of one image")
    page_limit: int = option(25, "images in a list when no limit is asked for")
    page_limit_max: int = option(1000, "most images in one list")
    stale_upload_s: int = option(300, "an upload that has stood still so long has died")
