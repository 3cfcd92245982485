"""The policy rules of the image service, by OpenStack's own names."""

from __future__ import annotations

from ...core.policy.rules import Rule

READ = ("role:admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s "
        "or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))")
DOWNLOAD = ("role:admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s "
            "or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))")
LIST = "role:admin or (role:reader and project_id:%(project_id)s)"
WRITE = "role:admin or (role:member and project_id:%(project_id)s)"
MEMBER_READ = "role:admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)"

RULES: tuple[Rule, ...] = (
    Rule("add_image", "role:admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)",
         "Create an image; only an administrator may give it to another project."),
    Rule("get_image", READ, "Show an image."),
    Rule("get_images", LIST, "List images."),
    Rule("modify_image", WRITE, "Change an image's attributes and tags."),
    Rule("delete_image", WRITE, "Delete an image."),
    Rule("publicize_image", "role:admin", "Make an image public."),
    Rule("communitize_image", WRITE, "Make an image a community image."),
    Rule("upload_image", WRITE, "Give an image its data, or stage it."),
    Rule("download_image", DOWNLOAD, "Read an image's data."),
    Rule("deactivate", WRITE, "Keep an image's data from being read."),
    Rule("reactivate", WRITE, "Let an image's data be read again."),
    Rule("add_member", WRITE, "Share an image with a project."),
    Rule("delete_member", WRITE, "End the sharing of an image with a project."),
    Rule("modify_member", "role:admin or (role:member and project_id:%(member_id)s)",
         "Accept or reject an image that is shared with one's project."),
    Rule("get_member", MEMBER_READ, "Show a member of a shared image."),
    Rule("get_members", MEMBER_READ, "List the members of a shared image."),
    Rule("get_task", LIST, "List the tasks of an image."),
    Rule("stores_info_detail", "role:admin", "Show the stores with their details."),
)
