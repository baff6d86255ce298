"""The video_folder dataset."""

from tfds_builders.video_folder.video_folder_dataset_builder import Builder, VideoFolderConfig

__all__ = ["Builder", "VideoFolderConfig"]
