from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "compliance"

    def ready(self) -> None:
        from compliance.ports import register_handler
        from compliance.services.client_changes import ClientApproval
        from compliance.services.role_changes import RoleApproval, StaffRolesApproval

        for handler in (StaffRolesApproval(), RoleApproval(), ClientApproval()):
            register_handler(handler)
